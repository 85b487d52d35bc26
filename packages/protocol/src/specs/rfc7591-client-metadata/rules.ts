import { macAlgs } from '../../jose/mac.ts'
import { type JwsAlg, responseTypesOf } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'
import { isQueryMode, isResponseMode, isSignedResponse, type ResponseModeName } from '../jarm/rules.ts'
import { unfitSpiffeClientId } from '../spiffe-client-auth/spiffe-client.ts'
import { keyFits, secretMember, unfitKey } from './keys.ts'
import {
  type ClientMetadata,
  type ClientMetadataInput,
  clientKeysMax,
  metadataDefaults,
  redirectUrisMax,
  tlsSubjectParameters,
} from './metadata.ts'
import { malformedRedirectUri, unfitRedirectUri } from './redirect-uri.ts'

type ClientRule = Rule<ClientMetadataInput>
type Field = keyof ClientMetadata | `${keyof ClientMetadata & string}[${number}]` | `jwks.keys[${number}]`

const bad = (field: Field, reason: string) => fail('invalid_client_metadata', reason, { field })
const badUri = (field: Field, reason: string) => fail('invalid_redirect_uri', reason, { field })

/** Where a user allows something that a refresh token can stand for. */
const userGrantTypes = [
  'authorization_code',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:openid:params:grant-type:ciba',
]
/** What these redeem is bound to client and key, not yet to the instance that asked. */
const unboundGrantTypes = [
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:openid:params:grant-type:ciba',
]
const knownGrantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:openid:params:grant-type:ciba',
]
const knownMethods = [
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'attest_jwt_client_auth',
  'attest_jwt_client_auth_dpop',
  'spiffe_jwt',
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'none',
]

const redirectUriRules: readonly ClientRule[] = [
  {
    id: 'client.redirect-uri-count',
    clauses: ['RFC7591-2'],
    level: 'OURS',
    title: `a client registers at most ${redirectUrisMax} redirect URIs, each once`,
    check: ({ metadata: { redirect_uris: uris = [] } }) => {
      if (uris.length > redirectUrisMax)
        return badUri('redirect_uris', `more than ${redirectUrisMax} redirect URIs`)
      return new Set(uris).size === uris.length
        ? pass
        : badUri('redirect_uris', 'a redirect URI stands twice')
    },
  },
  {
    id: 'client.redirect-uri-form',
    clauses: ['RFC6749-3.1.2', 'RFC7591-2'],
    level: 'MUST',
    title: 'a redirect URI is absolute, without fragment, userinfo or wildcard, and at most 2048 characters',
    check: ({ metadata: { redirect_uris: uris = [] } }) => {
      for (const [index, uri] of uris.entries()) {
        const why = malformedRedirectUri(uri)
        if (why !== undefined) return badUri(`redirect_uris[${index}]`, `redirect URI ${why}`)
      }
      return pass
    },
  },
  {
    id: 'client.redirect-uri-scheme',
    clauses: ['OIDCR-2', 'RFC8252-7.3', 'RFC9700-2.6'],
    level: 'MUST',
    title:
      'web clients redirect to https, native ones also to a literal loopback address or their own scheme',
    check: input => {
      for (const [index, uri] of (input.metadata.redirect_uris ?? []).entries()) {
        const why = unfitRedirectUri(uri, input)
        if (why !== undefined) return badUri(`redirect_uris[${index}]`, `redirect URI ${why}`)
      }
      return pass
    },
  },
  {
    id: 'client.redirect-uri-present',
    clauses: ['RFC7591-2', 'RFC6749-3.1.2'],
    level: 'MUST',
    title: 'a client of the code flow registers a redirect URI',
    check: ({ metadata }) =>
      metadataDefaults(metadata).grantTypes.includes('authorization_code') &&
      (metadata.redirect_uris ?? []).length === 0
        ? badUri('redirect_uris', 'grant type `authorization_code` needs a redirect URI')
        : pass,
  },
]

const flowRules: readonly ClientRule[] = [
  {
    id: 'client.grant-types',
    clauses: ['RFC7591-2', 'FAPI2-SP-FINAL-5.3.2.1-2'],
    level: 'MUST',
    title: 'grant types are ones this server has, and refresh tokens come with a code flow',
    check: ({ metadata }) => {
      const { grantTypes } = metadataDefaults(metadata)
      const unknown = grantTypes.find(grantType => !knownGrantTypes.includes(grantType))
      if (unknown !== undefined) return bad('grant_types', `grant type \`${unknown}\` is not supported`)
      if (grantTypes.length === 0) return bad('grant_types', 'no grant type is left')
      const hasUserFlow = userGrantTypes.some(grantType => grantTypes.includes(grantType))
      return grantTypes.includes('refresh_token') && !hasUserFlow
        ? bad('grant_types', '`refresh_token` needs `authorization_code`, the device grant or CIBA')
        : pass
    },
  },
  {
    id: 'client.instance-grants',
    clauses: ['CLIENT-ATTESTATION-9.4'],
    level: 'OURS',
    title: 'a client with attested instances uses no grant whose code is not bound to the instance',
    check: ({ metadata }) => {
      const { authMethod, grantTypes } = metadataDefaults(metadata)
      const unbound = grantTypes.find(grantType => unboundGrantTypes.includes(grantType))
      return authMethod.startsWith('attest_') && unbound !== undefined
        ? bad('grant_types', `\`${unbound}\` is not bound to an attested instance`)
        : pass
    },
  },
  {
    id: 'client.response-types',
    clauses: ['RFC7591-2.1'],
    level: 'MUST',
    title:
      'response types are those of the profile, and go together with the grant type `authorization_code`',
    check: ({ metadata, profile }) => {
      const { grantTypes, responseTypes } = metadataDefaults(metadata)
      const usable: readonly string[] = responseTypesOf(profile)
      const unfit = responseTypes.find(responseType => !usable.includes(responseType))
      if (unfit !== undefined)
        return bad(
          'response_types',
          `profile \`${profile.name}\` does not have the response type \`${unfit}\``,
        )
      return responseTypes.length > 0 === grantTypes.includes('authorization_code')
        ? pass
        : bad('response_types', 'a response type and the grant type `authorization_code` go together')
    },
  },
]

const authenticationRules: readonly ClientRule[] = [
  {
    id: 'client.public-client',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-3', 'FAPI1-ADV-5.2.2-16', 'FAPI1-BASE-5.2.2-1'],
    level: 'MUST',
    title: 'a client without authentication exists only where the profile allows public clients',
    check: ({ metadata, profile }) =>
      metadataDefaults(metadata).authMethod === 'none' && profile.publicClients === 'forbidden'
        ? bad('token_endpoint_auth_method', `profile \`${profile.name}\` allows confidential clients only`)
        : pass,
  },
  {
    id: 'client.auth-method',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-6', 'RFC7591-2', 'FAPI1-ADV-5.2.2-14', 'FAPI1-BASE-5.2.2-4'],
    level: 'MUST',
    title: 'the authentication method is known here and allowed by the profile',
    check: ({ metadata, profile }) => {
      const { authMethod } = metadataDefaults(metadata)
      const allowed: readonly string[] = profile.clientAuthenticationMethods
      if (!knownMethods.includes(authMethod))
        return bad('token_endpoint_auth_method', `method \`${authMethod}\` is not supported`)
      return allowed.includes(authMethod)
        ? pass
        : bad('token_endpoint_auth_method', `profile \`${profile.name}\` does not allow \`${authMethod}\``)
    },
  },
  {
    id: 'client.public-grants',
    clauses: ['RFC7591-2'],
    level: 'MUST',
    title: 'a public client has no authority of its own',
    check: ({ metadata }) => {
      const { authMethod, grantTypes } = metadataDefaults(metadata)
      return authMethod === 'none' && grantTypes.includes('client_credentials')
        ? bad('grant_types', 'a public client may not use `client_credentials`')
        : pass
    },
  },
  {
    id: 'client.tls-subject',
    clauses: ['RFC8705-2.1.2'],
    level: 'MUST',
    title: '`tls_client_auth` names exactly one certificate subject, other methods none',
    check: ({ metadata }) => {
      const present = tlsSubjectParameters.filter(parameter => metadata[parameter] !== undefined)
      const isPki = metadataDefaults(metadata).authMethod === 'tls_client_auth'
      if (isPki && present.length !== 1)
        return bad(
          present[1] ?? tlsSubjectParameters[0],
          '`tls_client_auth` needs exactly one subject parameter',
        )
      const [stray] = present
      return isPki || stray === undefined
        ? pass
        : bad(stray, 'only `tls_client_auth` has a subject parameter')
    },
  },
  {
    id: 'client.spiffe-id',
    clauses: ['SPIFFE-CLIENT-AUTH-5.1-id', 'SPIFFE-CLIENT-AUTH-5.1-wildcard'],
    level: 'MUST',
    title:
      '`spiffe_jwt` names the workload, or with a trailing `/*` the path of its workloads; no other method does',
    check: ({ metadata }) => {
      const { spiffe_id: spiffeId } = metadata
      const isSpiffe = metadataDefaults(metadata).authMethod === 'spiffe_jwt'
      if (isSpiffe !== (spiffeId !== undefined))
        return bad('spiffe_id', '`spiffe_id` and the method `spiffe_jwt` go together')
      const why = spiffeId === undefined ? undefined : unfitSpiffeClientId(spiffeId)
      return why === undefined ? pass : bad('spiffe_id', why)
    },
  },
]

const keyRules: readonly ClientRule[] = [
  {
    id: 'client.keys-one-source',
    clauses: ['RFC7591-2'],
    level: 'MUST',
    title: '`jwks` and `jwks_uri` do not stand together',
    check: ({ metadata: { jwks, jwks_uri: jwksUri } }) =>
      jwks !== undefined && jwksUri !== undefined
        ? bad('jwks', 'both `jwks` and `jwks_uri` are present')
        : pass,
  },
  {
    id: 'client.keys-needed',
    clauses: ['OIDCR-2', 'RFC8705-2.2.2'],
    level: 'MUST',
    title: 'a client that authenticates with its own key registers it',
    check: ({ metadata }) => {
      const { authMethod } = metadataDefaults(metadata)
      const needsKeys = authMethod === 'private_key_jwt' || authMethod === 'self_signed_tls_client_auth'
      return needsKeys && metadata.jwks === undefined && metadata.jwks_uri === undefined
        ? bad('jwks', `method \`${authMethod}\` needs \`jwks\` or \`jwks_uri\``)
        : pass
    },
  },
  {
    id: 'client.jwks-uri',
    clauses: ['FAPI2-SP-FINAL-5.4.2-1', 'RFC7591-2', 'FAPI1-ADV-8.9-1'],
    level: 'MUST',
    title: 'keys are fetched over https',
    check: ({ metadata: { jwks_uri: jwksUri } }) =>
      jwksUri === undefined || isPlainHttps(jwksUri)
        ? pass
        : bad('jwks_uri', '`jwks_uri` is not an https URL'),
  },
  {
    id: 'client.jwks-count',
    clauses: ['RFC7517-5'],
    level: 'OURS',
    title: `a key set holds 1 to ${clientKeysMax} keys`,
    check: ({ metadata: { jwks } }) =>
      jwks === undefined || (jwks.keys.length >= 1 && jwks.keys.length <= clientKeysMax)
        ? pass
        : bad('jwks', `the key set holds ${jwks.keys.length} keys, not 1 to ${clientKeysMax}`),
  },
  {
    id: 'client.jwks-public',
    clauses: ['RFC7591-2', 'RFC7517-9.2'],
    level: 'MUST',
    title: 'registered keys are public',
    check: ({ metadata: { jwks } }) => {
      for (const [index, jwk] of (jwks?.keys ?? []).entries()) {
        const member = secretMember(jwk)
        if (member !== undefined)
          return bad(`jwks.keys[${index}]`, `the key is not public: it holds \`${member}\``)
      }
      return pass
    },
  },
  {
    id: 'client.jwks-strength',
    clauses: ['FAPI2-SP-FINAL-5.4.1-2', 'FAPI2-SP-FINAL-5.4.1-3', 'FAPI1-BASE-5.2.2-5', 'FAPI1-BASE-5.2.2-6'],
    level: 'MUST',
    title: 'registered keys are RSA of 2048 bits, EC on P-256 or better, Ed25519 or ML-DSA',
    check: ({ metadata: { jwks } }) => {
      for (const [index, jwk] of (jwks?.keys ?? []).entries()) {
        const why = unfitKey(jwk)
        if (why !== undefined) return bad(`jwks.keys[${index}]`, `the key ${why}`)
      }
      return pass
    },
  },
  {
    id: 'client.jwks-fits',
    clauses: ['FAPI2-SP-FINAL-5.4.1-1'],
    level: 'MUST',
    title: 'a `private_key_jwt` client has a key for an algorithm that the profile allows',
    check: ({ metadata, profile }) => {
      const { jwks, token_endpoint_auth_signing_alg: registered } = metadata
      if (jwks === undefined || metadataDefaults(metadata).authMethod !== 'private_key_jwt') return pass
      const algs = registered === undefined ? profile.signingAlgs : [registered as JwsAlg]
      return jwks.keys.some(jwk => algs.some(alg => keyFits(jwk, alg)))
        ? pass
        : bad('jwks', `no key of the set can sign with ${algs.join(', ')}`)
    },
  },
]

const algFields = [
  'token_endpoint_auth_signing_alg',
  'id_token_signed_response_alg',
  'userinfo_signed_response_alg',
  'request_object_signing_alg',
  'authorization_signed_response_alg',
  'introspection_signed_response_alg',
] as const

const constraintRules: readonly ClientRule[] = [
  {
    id: 'client.signing-algs',
    clauses: [
      'FAPI2-SP-FINAL-5.4.1-1',
      'FAPI1-ADV-8.6-1',
      'FAPI1-ADV-8.6-3',
      'FAPI1-ADV-5.2.2.1-2',
      'OIDCC-9-client_secret_jwt',
      'JARM-3',
    ],
    level: 'MUST',
    title: 'registered algorithms are among those of the profile; who signs with a secret registers a MAC',
    check: ({ metadata, profile }) => {
      const signsWithSecret = metadataDefaults(metadata).authMethod === 'client_secret_jwt'
      for (const field of algFields) {
        const alg = metadata[field]
        const isMac = field === 'token_endpoint_auth_signing_alg' && signsWithSecret
        const allowed: readonly string[] = isMac ? macAlgs : profile.signingAlgs
        if (alg !== undefined && !allowed.includes(alg))
          return bad(
            field,
            isMac ? `\`${alg}\` is no MAC` : `profile \`${profile.name}\` does not allow \`${alg}\``,
          )
      }
      return pass
    },
  },
  {
    id: 'client.sender-constraint',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-4', 'FAPI2-SP-FINAL-5.3.2.1-5', 'FAPI1-ADV-5.2.2-5'],
    level: 'MUST',
    title: 'where the profile requires sender-constrained tokens, the client says how it proves possession',
    check: ({ metadata, profile }) =>
      profile.senderConstraint === 'required' &&
      metadata.dpop_bound_access_tokens !== true &&
      metadata.tls_client_certificate_bound_access_tokens !== true
        ? bad(
            profile.senderConstraintMethods.includes('dpop')
              ? 'dpop_bound_access_tokens'
              : 'tls_client_certificate_bound_access_tokens',
            `profile \`${profile.name}\` needs bound access tokens: set the flag of a method it allows`,
          )
        : pass,
  },
  {
    id: 'client.sender-constraint-method',
    clauses: ['RFC8705-3.4', 'RFC9449-5.2', 'FAPI1-ADV-5.2.2-6'],
    level: 'MUST',
    title: 'the way the client proves possession is one that the profile allows',
    check: ({ metadata, profile }) => {
      const methods = profile.senderConstraintMethods
      if (metadata.dpop_bound_access_tokens === true && !methods.includes('dpop'))
        return bad('dpop_bound_access_tokens', `profile \`${profile.name}\` does not allow DPoP`)
      return metadata.tls_client_certificate_bound_access_tokens === true && !methods.includes('mtls')
        ? bad(
            'tls_client_certificate_bound_access_tokens',
            `profile \`${profile.name}\` does not allow mutual TLS`,
          )
        : pass
    },
  },
  {
    id: 'client.information-uris',
    clauses: ['RFC7591-2'],
    level: 'MUST',
    title: 'links shown to users are https',
    check: ({ metadata }) => {
      for (const field of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'] as const) {
        const uri = metadata[field]
        if (uri !== undefined && !isPlainHttps(uri)) return bad(field, `\`${field}\` is not an https URL`)
      }
      return pass
    },
  },
]

const messageRules: readonly ClientRule[] = [
  {
    id: 'client.response-modes',
    clauses: ['FAPI2-MS-FINAL-5.3.3', 'FAPI2-MS-FINAL-5.4.1-1'],
    level: 'MUST',
    title:
      'registered response modes are known, and every response type can use one of them under the profile',
    check: ({ metadata, profile }) => {
      const { response_modes: modes } = metadata
      if (modes === undefined) return pass
      const unknown = modes.find(mode => !isResponseMode(mode))
      if (unknown !== undefined) return bad('response_modes', `response mode \`${unknown}\` is not supported`)
      const known = modes.filter(isResponseMode)
      const stranded = metadataDefaults(metadata).responseTypes.find(
        responseType => !known.some(mode => isUsable(mode, responseType, profile)),
      )
      return stranded === undefined
        ? pass
        : bad('response_modes', `\`${stranded}\` can use none of them under \`${profile.name}\`: add \`jwt\``)
    },
  },
  {
    id: 'client.request-object-keys',
    clauses: ['RFC9101-10.5', 'FAPI2-MS-FINAL-5.3.1-1'],
    level: 'MUST',
    title: 'a client that must sign its requests registers a key that can',
    check: ({ metadata, profile }) => {
      const { jwks, jwks_uri: jwksUri, request_object_signing_alg: registered } = metadata
      const isNeeded =
        metadata.require_signed_request_object === true || profile.signedRequestObjects === 'required'
      if (!isNeeded || jwksUri !== undefined) return pass
      if (!metadataDefaults(metadata).grantTypes.includes('authorization_code')) return pass
      const algs = registered === undefined ? profile.signingAlgs : [registered as JwsAlg]
      return jwks?.keys.some(jwk => algs.some(alg => keyFits(jwk, alg))) === true
        ? pass
        : bad('jwks', `signed request objects need a key that can sign with ${algs.join(', ')}`)
    },
  },
]

/** In the order in which they are judged: what is wrong in itself before what does not fit the profile. */
export const clientMetadataRules: readonly ClientRule[] = [
  ...redirectUriRules,
  ...flowRules,
  ...authenticationRules,
  ...keyRules,
  ...constraintRules,
  ...messageRules,
]

/** Whether a response of this type may leave in this mode. */
function isUsable(
  mode: ResponseModeName,
  responseType: string,
  profile: ClientMetadataInput['profile'],
): boolean {
  if (responseType === 'code id_token' && isQueryMode(mode, responseType)) return false
  return isSignedResponse(profile.signedAuthorizationResponses, mode, responseType)
}

function isPlainHttps(text: string): boolean {
  if (text.length > 2048 || !URL.canParse(text)) return false
  const { protocol, username, password, hash } = new URL(text)
  return protocol === 'https:' && username === '' && password === '' && hash === '' && !text.includes('#')
}
