import type { EpochSeconds } from '../../brand.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'
import { metadataDefaults } from '../rfc7591-client-metadata/metadata.ts'
import { isHostAllowed, type RegistrationPolicy } from './policy.ts'
import type { StatedMetadata } from './request.ts'

/** An initial access token as presented; undefined: there is none of that value. */
export interface InitialTokenInput {
  readonly token:
    | { readonly usesLeft: number; readonly expiresAt: EpochSeconds; readonly isRevoked: boolean }
    | undefined
  readonly now: EpochSeconds
}

const unauthorized = (reason: string): Verdict => fail('invalid_token', reason)

/** Nobody registers without a token: there is no open registration (threat model section 7). */
export const initialTokenRules: readonly Rule<InitialTokenInput>[] = [
  {
    id: 'registration.token',
    clauses: ['RFC7591-3', 'RFC6750-3.1'],
    level: 'MUST',
    title: 'the initial access token is one of ours, and not revoked',
    check: ({ token }) =>
      token === undefined || token.isRevoked
        ? unauthorized('there is no such initial access token, or it was revoked')
        : pass,
  },
  {
    id: 'registration.token-expired',
    clauses: ['RFC7591-3', 'RFC6750-3.1'],
    level: 'MUST',
    title: 'the initial access token has not expired',
    check: ({ token, now }) =>
      token !== undefined && now < token.expiresAt
        ? pass
        : unauthorized('the initial access token has expired'),
  },
  {
    id: 'registration.token-used',
    clauses: ['RFC7591-3'],
    level: 'OURS',
    title: 'the initial access token has a use left',
    check: ({ token }) =>
      token !== undefined && token.usesLeft > 0
        ? pass
        : unauthorized('the initial access token has registered all the clients it may'),
  },
]

/** What a client asks to be, and what the one who let it register allows. */
export interface PolicyInput {
  readonly stated: StatedMetadata
  readonly policy: RegistrationPolicy
  readonly hasSoftwareStatement: boolean
}

const bad = (field: string, reason: string): Verdict => fail('invalid_client_metadata', reason, { field })
const localizedMax = 50
const localizedLengthMax = 2048
/** Controls, and marks that turn text around or cannot be seen: a name is shown to users to decide by. */
const unseemly = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/u

/** Asked of every registration and of every update alike. */
export const policyRules: readonly Rule<PolicyInput>[] = [
  {
    id: 'registration.unsupported',
    clauses: ['RFC7591-2-unsupported'],
    level: 'OURS',
    title: 'a member that would mean something here that we do not have is refused, not passed over',
    check: ({ stated: { unsupported } }) => {
      const [first] = unsupported
      return first === undefined ? pass : bad(first, `\`${first}\` is not supported`)
    },
  },
  {
    id: 'registration.statement-required',
    clauses: ['RFC7591-2.3'],
    level: 'MUST',
    title: 'a software statement comes along where the initial access token requires one',
    check: ({ policy, hasSoftwareStatement }) =>
      policy.softwareStatement === 'required' && !hasSoftwareStatement
        ? fail('invalid_software_statement', 'a software statement is required')
        : pass,
  },
  {
    id: 'registration.grant-types',
    clauses: ['RFC7591-5-policy'],
    level: 'OURS',
    title: 'grant types are among those that the initial access token allows',
    check: ({ stated: { metadata }, policy }) => {
      const { grantTypes } = metadataDefaults(metadata)
      const beyond = grantTypes.find(grantType => !policy.grantTypes.includes(grantType))
      return beyond === undefined ? pass : bad('grant_types', `grant type \`${beyond}\` is not allowed here`)
    },
  },
  {
    id: 'registration.scopes',
    clauses: ['RFC7591-5-policy'],
    level: 'OURS',
    title: 'scopes are among those that the initial access token allows',
    check: ({ stated: { metadata }, policy }) => {
      const asked = (metadata.scope ?? '').split(' ').filter(scope => scope !== '')
      const beyond = asked.find(scope => !policy.scopes.includes(scope))
      return beyond === undefined ? pass : bad('scope', `scope \`${beyond}\` is not allowed here`)
    },
  },
  {
    id: 'registration.authorization-details-types',
    clauses: ['RFC7591-5-policy', 'RFC9396-10-2'],
    level: 'OURS',
    title: 'types of authorization details are among those that the initial access token allows',
    check: ({ stated: { metadata }, policy }) => {
      const allowed = policy.authorizationDetailsTypes ?? []
      const index = (metadata.authorization_details_types ?? []).findIndex(type => !allowed.includes(type))
      return index === -1
        ? pass
        : bad(`authorization_details_types[${index}]`, 'a type of authorization details is not allowed here')
    },
  },
  {
    id: 'registration.redirect-hosts',
    clauses: ['RFC7591-5-policy', 'RFC7591-5-redirect-host'],
    level: 'OURS',
    title: 'users are sent only to hosts that the initial access token allows',
    check: ({ stated: { metadata }, policy }) => {
      for (const field of ['redirect_uris', 'post_logout_redirect_uris'] as const)
        for (const [index, uri] of (metadata[field] ?? []).entries())
          if (!isHostAllowed(uri, policy.redirectHosts))
            return fail(
              field === 'redirect_uris' ? 'invalid_redirect_uri' : 'invalid_client_metadata',
              'the URI leads to a host that is not allowed here',
              { field: `${field}[${index}]` },
            )
      return pass
    },
  },
  {
    id: 'registration.request-uri-hosts',
    clauses: ['RFC7591-5-policy'],
    level: 'OURS',
    title: 'request objects are fetched only from hosts that the initial access token allows',
    check: ({ stated: { metadata }, policy }) => {
      const hosts = policy.requestUriHosts ?? []
      const index = (metadata.request_uris ?? []).findIndex(uri => !isHostAllowed(uri, hosts))
      return index === -1
        ? pass
        : bad(
            `request_uris[${index}]`,
            'the URI is at a host that is not allowed here: push requests instead',
          )
    },
  },
  {
    id: 'registration.names',
    clauses: ['RFC7591-2.2'],
    level: 'MUST',
    title: 'names and their variants in other languages hold no character that cannot be seen',
    check: ({ stated: { metadata, localized } }) => {
      const variants = Object.entries(localized)
      if (variants.length > localizedMax) return bad('client_name', `more than ${localizedMax} variants`)
      for (const [name, value] of [['client_name', metadata.client_name ?? 'none'] as const, ...variants]) {
        const [field = ''] = name.split('#')
        if (value === '' || value.length > localizedLengthMax) return bad(field, 'is empty or too long')
        if (field === 'client_name' && (unseemly.test(value) || value.length > clientNameLengthMax))
          return bad(field, `is longer than ${clientNameLengthMax} or holds a character that cannot be seen`)
        if (field !== 'client_name' && !value.startsWith('https://')) return bad(field, 'is not an https URL')
      }
      return pass
    },
  },
]

const clientNameLengthMax = 80
