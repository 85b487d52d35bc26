import { accept, type EpochSeconds, firstRefusal, type Outcome, refuse } from '@holdfast/protocol'
import { type ParsedJws, parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import {
  parametersOf,
  requestObjectAlgRules,
  requestObjectBytesMax,
  requestObjectRules,
} from '@holdfast/protocol/specs/rfc9101-jar/rules.ts'
import { type Form, formOf } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { AuthorizationRequest, RememberedJti } from '../../store/records.ts'
import { isSignedBy } from '../client-auth/client-keys.ts'
import { hashOfJti } from '../handle.ts'

/** An authorization request as it came: its parameters, and whether they were signed. */
export interface SentRequest {
  readonly form: Form
  readonly requestObject: AuthorizationRequest['requestObject']
  /** Set when the object named itself: it opens one request and no second one. */
  readonly jti: RememberedJti | undefined
  /** Subject of its `id_token_hint`, once that was judged. */
  readonly hintedSubject: string | undefined
}

export function plainRequest(form: Form): SentRequest {
  return { form, requestObject: undefined, jti: undefined, hintedSubject: undefined }
}

/**
 * Opens a signed request object (RFC 9101): the key of the client first, then the claims; what stands outside of it
 * counts for nothing. Encrypted objects are refused by their form.
 */
export async function openRequestObject(
  text: string,
  client: Client,
  exchange: Exchange,
  ports: Ports,
): Promise<Outcome<SentRequest>> {
  const parsed = parseCompactJws(text, requestObjectBytesMax, 'invalid_request_object')
  if (!parsed.ok) return parsed
  const { header, claims } = parsed.value
  const { profile, clientId, requestObjectSigningAlg: registeredAlg } = client
  const unfit = firstRefusal(requestObjectAlgRules, { header, profile, registeredAlg })
  if (unfit !== undefined) return unfit
  if (!(await isSignedBy(client, parsed.value, ports))) return unsigned

  const now = ports.clock.now()
  const issuer = exchange.issuer.url
  const refusal = firstRefusal(requestObjectRules, { header, claims, clientId, issuer, profile, now })
  if (refusal !== undefined) return refusal
  return accept({
    form: formOf(parametersOf(claims)),
    requestObject: claims.nbf !== undefined && claims.exp !== undefined ? 'timed' : 'untimed',
    jti: jtiOf(claims, issuer, clientId),
    hintedSubject: undefined,
  })
}

const unsigned = refuse(
  'request-object.signature',
  ['RFC9101-6.2', 'FAPI2-MS-FINAL-5.3.1-1'],
  'invalid_request_object',
  'no registered key of the client made the signature of the request object',
)

/** The rules let no `jti` pass without an `exp`. */
function jtiOf(claims: ParsedJws['claims'], issuer: string, clientId: string): RememberedJti | undefined {
  const { jti, exp, nbf, iat } = claims
  if (typeof jti !== 'string' || typeof exp !== 'number') return undefined
  const issuedAt = Number(iat ?? nbf ?? exp) as EpochSeconds
  return {
    key: hashOfJti('request-object', issuer, issuedAt, [clientId, jti]),
    issuedAt,
    expiresAt: exp as EpochSeconds,
  }
}
