import { fail, pass, type Rule } from '../../rule.ts'
import { keyFits } from '../rfc7591-client-metadata/keys.ts'
import { type ClientMetadataInput, metadataDefaults } from '../rfc7591-client-metadata/metadata.ts'
import { cibaGrantType, deliveryModes } from './rules.ts'

const bad = (field: string, reason: string) => fail('invalid_client_metadata', reason, { field })
const uriLengthMax = 2048

const members = [
  'backchannel_token_delivery_mode',
  'backchannel_client_notification_endpoint',
  'backchannel_authentication_request_signing_alg',
] as const

function usesCiba({ metadata }: ClientMetadataInput): boolean {
  return metadataDefaults(metadata).grantTypes.includes(cibaGrantType)
}

/** What a client of the CIBA grant registers (section 4). */
export const cibaMetadataRules: readonly Rule<ClientMetadataInput>[] = [
  {
    id: 'client.ciba-grant',
    clauses: ['FAPI-CIBA-5.2.2-1'],
    level: 'MUST',
    title: 'the CIBA grant is for confidential clients, where the profile allows it',
    check: input => {
      if (!usesCiba(input)) return pass
      if (metadataDefaults(input.metadata).authMethod === 'none')
        return bad('grant_types', 'a public client may not use the CIBA grant')
      return input.profile.backchannelAuthentication === 'allowed'
        ? pass
        : bad('grant_types', `profile \`${input.profile.name}\` does not allow backchannel authentication`)
    },
  },
  {
    id: 'client.ciba-members',
    clauses: ['CIBA-4-2'],
    level: 'OURS',
    title: 'what only the CIBA grant uses comes with it',
    check: input => {
      const stray = usesCiba(input) ? undefined : members.find(name => input.metadata[name] !== undefined)
      return stray === undefined ? pass : bad(stray, `\`${stray}\` needs grant type \`${cibaGrantType}\``)
    },
  },
  {
    id: 'client.ciba-delivery-mode',
    clauses: ['CIBA-4-delivery-mode', 'FAPI-CIBA-5.2.2-3'],
    level: 'MUST',
    title: 'a client of the CIBA grant says whether it polls or is pinged; nothing is pushed',
    check: input => {
      const mode = input.metadata.backchannel_token_delivery_mode
      return !usesCiba(input) || deliveryModes.some(known => known === mode)
        ? pass
        : bad(
            'backchannel_token_delivery_mode',
            `the delivery mode is not one of ${deliveryModes.join(', ')}`,
          )
    },
  },
  {
    id: 'client.ciba-notification-endpoint',
    clauses: ['CIBA-4-notification-endpoint'],
    level: 'MUST',
    title: 'a client that is pinged, and no other, has an https URL for it, without fragment and userinfo',
    check: ({ metadata }) => {
      const { backchannel_client_notification_endpoint: uri, backchannel_token_delivery_mode: mode } =
        metadata
      const isPinged = mode === 'ping'
      if (!isPinged && uri === undefined) return pass
      return isPinged && uri !== undefined && isPlainHttps(uri)
        ? pass
        : bad(
            'backchannel_client_notification_endpoint',
            'delivery mode `ping`, and only it, needs an https URL without fragment',
          )
    },
  },
  {
    id: 'client.ciba-signing-alg',
    clauses: ['CIBA-4-signing-alg', 'FAPI-CIBA-5.2.2-6'],
    level: 'MUST',
    title:
      'a client that must sign its requests, or will, names an algorithm of the profile that its keys fit',
    check: input => {
      const { metadata, profile } = input
      const field = 'backchannel_authentication_request_signing_alg'
      const alg = metadata[field]
      if (!usesCiba(input)) return pass
      if (alg === undefined)
        return profile.signedBackchannelRequests === 'allowed'
          ? pass
          : bad(field, `profile \`${profile.name}\` needs signed authentication requests`)
      const known = profile.signingAlgs.find(allowed => allowed === alg)
      if (known === undefined) return bad(field, `profile \`${profile.name}\` does not allow \`${alg}\``)
      const { jwks, jwks_uri: jwksUri } = metadata
      return jwksUri !== undefined || jwks?.keys.some(jwk => keyFits(jwk, known)) === true
        ? pass
        : bad(field, `no key of the client can sign with \`${alg}\``)
    },
  },
  {
    id: 'client.ciba-user-code',
    clauses: ['CIBA-4-user-code'],
    level: 'OURS',
    title: 'no client asks for user codes: nothing would check them',
    check: ({ metadata }) =>
      metadata.backchannel_user_code_parameter === true
        ? bad('backchannel_user_code_parameter', 'user codes are not supported')
        : pass,
  },
]

function isPlainHttps(text: string): boolean {
  if (text.length > uriLengthMax || text.includes('#') || !URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return protocol === 'https:' && username === '' && password === ''
}
