import { accept, firstRefusal, type Outcome, refuse } from '@holdfast/protocol'
import { cibaHintRules, cibaUserRules } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { UserRecord } from '../../store/records.ts'
import { verifyOwnToken } from '../own-token.ts'
import type { CibaRequest } from './request.ts'

/** The user a request means: by user name, or by an ID token that this client got. */
export async function findHintedUser(
  { loginHint, idTokenHint }: CibaRequest,
  client: Client,
  exchange: Exchange,
  ports: Ports,
): Promise<Outcome<UserRecord>> {
  const issuer = exchange.issuer.url
  const subject = idTokenHint === undefined ? undefined : subjectOf(idTokenHint, client, issuer, ports)
  if (subject !== undefined && !subject.ok) return subject
  const user =
    subject === undefined
      ? await ports.store.findUserByUsername(issuer, loginHint ?? '')
      : await ports.store.findUserBySubject(issuer, subject.value)
  const refusal = firstRefusal(cibaUserRules, { user: user && { isActive: user.status === 'active' } })
  if (refusal !== undefined) return refusal
  if (user === undefined) throw new TypeError('rule table')
  return accept(user)
}

function subjectOf(text: string, client: Client, issuer: string, ports: Ports): Outcome<string> {
  const jws = verifyOwnToken(text, issuer, ports, notOurs)
  if (!jws.ok) return notOurs
  const { header, claims } = jws.value
  const { clientId } = client
  const refusal = firstRefusal(cibaHintRules, { issuer, clientId, typ: header.typ, claims })
  return refusal ?? accept(String(claims.sub))
}

const notOurs = refuse(
  'ciba.id-token-hint-signature',
  ['CIBA-7.1-id-token-hint'],
  'invalid_request',
  '`id_token_hint` is not signed by this issuer',
)
