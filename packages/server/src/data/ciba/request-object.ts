import {
  accept,
  type EpochSeconds,
  firstRefusal,
  type Outcome,
  refuse,
  secondsAfter,
} from '@holdfast/protocol'
import { type ParsedJws, parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import {
  cibaParametersOf,
  signedCibaAlgRules,
  signedCibaRules,
} from '@holdfast/protocol/specs/openid-ciba/request-object-rules.ts'
import { cibaCarrierRules } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import { requestObjectBytesMax } from '@holdfast/protocol/specs/rfc9101-jar/rules.ts'
import { type Form, formOf } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { Write } from '../../store/writes.ts'
import { isSignedBy } from '../client-auth/client-keys.ts'
import { hashOfJti } from '../handle.ts'

/** An authentication request as it came: its parameters, and whether they were signed. */
export interface SentCibaRequest {
  readonly form: Form
  readonly isSigned: boolean
  /** A signed request works once (CIBA section 7.1.1). */
  readonly writes: readonly Write[]
}

/** How long a signed request stays remembered past its end, for clocks that differ. */
const replayMarginSeconds = 60

/** Plain parameters, or those of the one signed object sent instead (I10). */
export async function sentCibaRequest(
  form: Form,
  client: Client,
  exchange: Exchange,
  ports: Ports,
): Promise<Outcome<SentCibaRequest>> {
  const request = form.get('request')
  const mixed = firstRefusal(cibaCarrierRules, { request, names: form.names })
  if (mixed !== undefined) return mixed
  return request === undefined
    ? accept({ form, isSigned: false, writes: [] })
    : await openSigned(request, client, exchange, ports)
}

async function openSigned(
  text: string,
  client: Client,
  exchange: Exchange,
  ports: Ports,
): Promise<Outcome<SentCibaRequest>> {
  const parsed = parseCompactJws(text, requestObjectBytesMax)
  if (!parsed.ok) return parsed
  const { header, claims } = parsed.value
  const { profile, clientId, backchannelAuthenticationRequestSigningAlg: registeredAlg } = client
  const unfit = firstRefusal(signedCibaAlgRules, { header, profile, registeredAlg })
  if (unfit !== undefined) return unfit
  if (!(await isSignedBy(client, parsed.value, ports))) return unsigned

  const now = ports.clock.now()
  const issuer = exchange.issuer.url
  const refusal = firstRefusal(signedCibaRules, { header, claims, clientId, issuer, profile, now })
  if (refusal !== undefined) return refusal
  return accept({
    form: formOf(cibaParametersOf(claims)),
    isSigned: true,
    writes: [rememberObject(claims, issuer, clientId)],
  })
}

const unsigned = refuse(
  'ciba-object.signature',
  ['CIBA-7.1.1-3'],
  'invalid_request',
  'no registered key of the client made the signature of the request',
)

/** The rules let nothing pass that has no `jti`, `iat` and `exp`. */
function rememberObject(claims: ParsedJws['claims'], issuer: string, clientId: string): Write {
  const issuedAt = Number(claims.iat) as EpochSeconds
  return {
    kind: 'remember-jti',
    what: 'backchannel-request-object',
    key: hashOfJti('backchannel-request-object', issuer, issuedAt, [clientId, String(claims.jti)]),
    issuedAt,
    expiresAt: secondsAfter(Number(claims.exp) as EpochSeconds, replayMarginSeconds),
  }
}
