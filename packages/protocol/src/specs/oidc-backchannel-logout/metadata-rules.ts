import { fail, pass, type Rule } from '../../rule.ts'
import type { ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'

const bad = (field: string, reason: string) => fail('invalid_client_metadata', reason, { field })
const uriLengthMax = 2048

/** Where and how a client is told of a logout. */
export const backchannelMetadataRules: readonly Rule<ClientMetadataInput>[] = [
  {
    id: 'client.backchannel-logout-uri',
    clauses: ['OIDC-BCL-2.2'],
    level: 'MUST',
    title: '`backchannel_logout_uri` is an https URL without fragment and userinfo',
    check: ({ metadata: { backchannel_logout_uri: uri } }) =>
      uri === undefined || isPlainHttps(uri)
        ? pass
        : bad('backchannel_logout_uri', '`backchannel_logout_uri` is not an https URL without fragment'),
  },
  {
    id: 'client.backchannel-logout-session',
    clauses: ['OIDC-BCL-2.2'],
    level: 'OURS',
    title: '`backchannel_logout_session_required` comes with a `backchannel_logout_uri`',
    check: ({ metadata }) =>
      metadata.backchannel_logout_session_required === true && metadata.backchannel_logout_uri === undefined
        ? bad('backchannel_logout_session_required', 'there is no `backchannel_logout_uri` to send it to')
        : pass,
  },
]

function isPlainHttps(text: string): boolean {
  if (text.length > uriLengthMax || text.includes('#') || !URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return protocol === 'https:' && username === '' && password === ''
}
