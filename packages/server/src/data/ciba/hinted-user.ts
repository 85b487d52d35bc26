import { accept, firstRefusal, type Outcome, refuse } from '@holdfast/protocol'
import type { ParsedJws } from '@holdfast/protocol/jose/compact.ts'
import { cibaHintRules, cibaUserRules } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { UserRecord } from '../../store/records.ts'
import { hintedSubject } from '../mint/subject-hint.ts'
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
  const claims = idTokenHint === undefined ? undefined : judgeHint(idTokenHint, client, issuer, ports)
  if (claims !== undefined && !claims.ok) return claims
  const user =
    claims === undefined
      ? await ports.store.findUserByUsername(issuer, loginHint ?? '')
      : await findSubject(hintedSubject(claims.value, client.sector, issuer, ports), issuer, ports)
  const refusal = firstRefusal(cibaUserRules, { user: user && { isActive: user.status === 'active' } })
  if (refusal !== undefined) return refusal
  if (user === undefined) throw new TypeError('rule table')
  return accept(user)
}

async function findSubject(
  subject: string | undefined,
  issuer: string,
  { store }: Ports,
): Promise<UserRecord | undefined> {
  return subject === undefined ? undefined : await store.findUserBySubject(issuer, subject)
}

function judgeHint(
  text: string,
  { clientId }: Client,
  issuer: string,
  ports: Ports,
): Outcome<ParsedJws['claims']> {
  const jws = verifyOwnToken(text, issuer, ports, notOurs)
  if (!jws.ok) return notOurs
  const { header, claims } = jws.value
  const refusal = firstRefusal(cibaHintRules, { issuer, clientId, typ: header.typ, claims })
  return refusal ?? accept(claims)
}

const notOurs = refuse(
  'ciba.id-token-hint-signature',
  ['CIBA-7.1-id-token-hint'],
  'invalid_request',
  '`id_token_hint` is not signed by this issuer',
)
