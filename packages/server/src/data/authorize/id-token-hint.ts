import { accept, firstRefusal, type Outcome, refuse } from '@holdfast/protocol'
import { idTokenHintRules } from '@holdfast/protocol/specs/oidc-core-request/hint-rules.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { verifyOwnToken } from '../own-token.ts'
import type { SentRequest } from './request-object.ts'

/** Who the client thinks is signed in: an ID token of ours, made for this very client. Its end does not matter. */
export function judgeIdTokenHint(
  sent: SentRequest,
  clientId: string,
  { issuer }: Exchange,
  ports: Ports,
): Outcome<SentRequest> {
  const text = sent.form.get('id_token_hint')
  if (text === undefined) return accept(sent)
  const jws = verifyOwnToken(text, issuer.url, ports, unsigned)
  if (!jws.ok) return jws
  const { header, claims } = jws.value
  const refusal = firstRefusal(idTokenHintRules, { issuer: issuer.url, clientId, typ: header.typ, claims })
  return refusal ?? accept({ ...sent, hintedSubject: String(claims.sub) })
}

const unsigned = refuse(
  'oidc.hint-signature',
  ['OIDC-3.1.2.1-id_token_hint'],
  'invalid_request',
  '`id_token_hint` is not signed by this issuer',
)
