import { accept, type Outcome } from '../../refusal.ts'
import { fail, firstRefusal, pass, type Rule } from '../../rule.ts'

/** How a token may be presented: `DPoP` with a proof (RFC 9449), `Bearer` with a certificate (RFC 8705) or alone. */
export type TokenScheme = 'DPoP' | 'Bearer'

/** How a request to an API arrived and where it might carry a token. */
export interface PresentationInput {
  /** Whether TLS protected the request up to this process or up to the trusted proxy in front of it. */
  readonly isSecure: boolean
  /** The values of `Authorization`, split at commas: no credential of ours holds one. */
  readonly authorization: readonly string[]
  /** Raw query without `?`. */
  readonly query: string
  /** Whether a parsed form body holds `access_token`. */
  readonly isTokenInBody: boolean
  /** Schemes this API speaks. */
  readonly offered: readonly TokenScheme[]
}

/** The one token of a request and the scheme it came with. */
export interface Presented {
  readonly scheme: TokenScheme
  readonly token: string
}

/** Longest access token we look at (threat model, section 6). */
export const accessTokenBytesMax = 8192

const token68 = /^[A-Za-z0-9\-._~+/]+=*$/

export const presentationRules: readonly Rule<PresentationInput>[] = [
  {
    id: 'bearer.tls',
    clauses: ['RFC6750-5.3', 'FAPI2-SP-FINAL-5.2.1-1'],
    level: 'MUST',
    title: 'the request came over TLS',
    check: ({ isSecure }) => (isSecure ? pass : fail('invalid_request', 'the request did not come over TLS')),
  },
  {
    id: 'bearer.one-method',
    clauses: ['RFC6750-2', 'FAPI2-SP-FINAL-5.3.4-2', 'FAPI1-BASE-6.2.1-3'],
    level: 'MUST',
    title: 'a token stands in one place only',
    check: input =>
      input.authorization.length > 0 && isTokenElsewhere(input)
        ? fail('invalid_request', 'the request carries a token in the header and in the query or body')
        : pass,
  },
  {
    id: 'bearer.one-authorization',
    clauses: ['RFC9449-7.2', 'RFC6750-2'],
    level: 'MUST',
    title: 'there is one Authorization credential',
    check: ({ authorization }) =>
      authorization.length > 1
        ? fail('invalid_request', `the request has ${authorization.length} Authorization credentials`)
        : pass,
  },
  {
    id: 'bearer.header-only',
    clauses: ['FAPI2-SP-FINAL-5.3.4-2', 'FAPI1-BASE-6.2.1-3', 'RFC6750-2.2', 'RFC6750-2.3'],
    level: 'MUST',
    title: 'a token in the query or the body is not taken',
    check: input =>
      isTokenElsewhere(input)
        ? fail('invalid_token', 'the token came in the query or the body; only the header is read')
        : pass,
  },
  {
    id: 'bearer.credentials-missing',
    clauses: ['RFC6750-3', 'FAPI2-SP-FINAL-5.3.4-1', 'FAPI1-BASE-6.2.1-2'],
    level: 'MUST',
    title: 'there are credentials of a scheme this API speaks',
    check: input =>
      schemeOf(input) === undefined ? fail('invalid_token', 'no credentials of a scheme of this API') : pass,
  },
  {
    id: 'bearer.credentials-syntax',
    clauses: ['RFC6750-2.1', 'RFC6750-3.1'],
    level: 'MUST',
    title: 'after the scheme stands one token68',
    check: ({ authorization }) =>
      token68.test(tokenOf(authorization[0] ?? ''))
        ? pass
        : fail('invalid_request', 'the credentials are not one token'),
  },
  {
    id: 'bearer.token-size',
    clauses: [],
    level: 'OURS',
    title: 'a token is no longer than 8 KiB',
    check: ({ authorization }) =>
      tokenOf(authorization[0] ?? '').length > accessTokenBytesMax
        ? fail('invalid_token', `the token is longer than ${accessTokenBytesMax} bytes`)
        : pass,
  },
]

/** The one token of a request, or why there is none to judge. */
export function judgePresentation(input: PresentationInput): Outcome<Presented> {
  const refusal = firstRefusal(presentationRules, input)
  if (refusal !== undefined) return refusal
  return accept({ scheme: schemeOf(input) ?? 'Bearer', token: tokenOf(input.authorization[0] ?? '') })
}

/**
 * The schemes whose challenge carries the error: the one that was used; all when it is not clear which
 * (RFC 9449 7.2); none when no token was offered in a way we read (RFC 6750 3.1).
 */
export function usedSchemes(input: PresentationInput): readonly TokenScheme[] {
  if (input.authorization.length > 1) return input.offered
  const scheme = schemeOf(input)
  return scheme === undefined ? [] : [scheme]
}

/** The values of a header that is a comma-separated list at most by mistake. */
export function splitValues(values: readonly string[]): readonly string[] {
  const [only] = values
  if (values.length === 1 && only !== undefined && !only.includes(',')) return values
  return values.flatMap(value => value.split(',')).map(value => value.trim())
}

function schemeOf({ authorization, offered }: PresentationInput): TokenScheme | undefined {
  const value = authorization[0] ?? ''
  const end = value.indexOf(' ')
  const name = (end === -1 ? value : value.slice(0, end)).toLowerCase()
  return offered.find(scheme => scheme.toLowerCase() === name)
}

function tokenOf(credentials: string): string {
  const end = credentials.indexOf(' ')
  return end === -1 ? '' : credentials.slice(end + 1).trim()
}

function isTokenElsewhere({ query, isTokenInBody }: PresentationInput): boolean {
  if (isTokenInBody) return true
  // Most queries have neither the name nor an escape that could spell it.
  if (!query.includes('access_token') && !query.includes('%')) return false
  return new URLSearchParams(query).has('access_token')
}

export interface SchemeInput {
  readonly scheme: TokenScheme
  /** Whether the token is bound to a DPoP key (`cnf.jkt`). */
  readonly isKeyBound: boolean
}

export const schemeRules: readonly Rule<SchemeInput>[] = [
  {
    id: 'bearer.dpop-downgrade',
    clauses: ['RFC9449-7.2', 'FAPI2-SP-FINAL-5.3.4-5', 'FAPI1-ADV-6.2.1-2'],
    level: 'MUST',
    title: 'a DPoP-bound token is not taken with the scheme Bearer',
    check: ({ scheme, isKeyBound }) =>
      scheme === 'Bearer' && isKeyBound
        ? fail('invalid_token', 'a DPoP-bound token came with the scheme `Bearer`')
        : pass,
  },
  {
    id: 'bearer.dpop-unbound',
    clauses: ['RFC9449-7.1'],
    level: 'MUST',
    title: 'the scheme DPoP carries a token that is bound to a key',
    check: ({ scheme, isKeyBound }) =>
      scheme === 'DPoP' && !isKeyBound
        ? fail('invalid_token', 'a token without a key binding came with the scheme `DPoP`')
        : pass,
  },
]

export interface ScopeInput {
  readonly required: readonly string[]
  readonly granted: readonly string[]
}

export const scopeRules: readonly Rule<ScopeInput>[] = [
  {
    id: 'bearer.scope',
    clauses: ['RFC6750-3.1', 'FAPI2-SP-FINAL-5.3.4-4', 'FAPI1-BASE-6.2.1-5'],
    level: 'MUST',
    title: 'the token has every scope the route needs',
    check: ({ required, granted }) => {
      const missing = required.filter(scope => !granted.includes(scope))
      return missing.length === 0
        ? pass
        : fail('insufficient_scope', `the token lacks \`${missing.join(' ')}\``, {
            missing: missing.join(' '),
          })
    },
  },
]
