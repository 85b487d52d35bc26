import { fail, pass, type Rule } from '../../rule.ts'
import type { ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'

const bad = (field: string, reason: string) => fail('invalid_client_metadata', reason, { field })
const uriLengthMax = 2048

/** Where a browser tells a client of a logout. */
export const frontchannelMetadataRules: readonly Rule<ClientMetadataInput>[] = [
  {
    id: 'client.frontchannel-logout-uri',
    clauses: ['OIDC-FCL-2-1'],
    level: 'MUST',
    title: '`frontchannel_logout_uri` has the origin of a registered redirect URI and no fragment',
    check: ({ metadata: { frontchannel_logout_uri: uri, redirect_uris: registered = [] } }) =>
      uri === undefined || isBesideOne(uri, registered)
        ? pass
        : bad(
            'frontchannel_logout_uri',
            '`frontchannel_logout_uri` has not the scheme, host and port of a registered redirect URI, or has a fragment',
          ),
  },
  {
    id: 'client.frontchannel-logout-session',
    clauses: ['OIDC-FCL-2-2'],
    level: 'OURS',
    title: '`frontchannel_logout_session_required` comes with a `frontchannel_logout_uri`',
    check: ({ metadata }) =>
      metadata.frontchannel_logout_session_required === true && metadata.frontchannel_logout_uri === undefined
        ? bad('frontchannel_logout_session_required', 'there is no `frontchannel_logout_uri` to send it to')
        : pass,
  },
]

function isBesideOne(text: string, registered: readonly string[]): boolean {
  if (text.length > uriLengthMax || text.includes('#') || !URL.canParse(text)) return false
  const { protocol, origin, username, password } = new URL(text)
  if ((protocol !== 'https:' && protocol !== 'http:') || username !== '' || password !== '') return false
  return registered.some(uri => URL.canParse(uri) && new URL(uri).origin === origin)
}
