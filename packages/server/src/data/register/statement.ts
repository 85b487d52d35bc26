import { accept, type EpochSeconds, firstRefusal, type JwsAlg, type Outcome } from '@holdfast/protocol'
import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { fittingKeys } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import {
  readStated,
  type StatedMetadata,
  softwareStatementBytesMax,
} from '@holdfast/protocol/specs/rfc7591-registration/request.ts'
import {
  statementAlgs,
  statementRules,
} from '@holdfast/protocol/specs/rfc7591-registration/statement-rules.ts'
import { type JsonObject, parseJsonObject } from '@holdfast/protocol/wire/json.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'

/** What a software statement certifies, and who it is about, so that an update cannot bring another's. */
export interface Certified {
  readonly stated: StatedMetadata
  readonly iss: string
  readonly softwareId: string | undefined
}

/** A software statement as presented now: signed by a trusted issuer, young enough (RFC 7591 section 2.3). */
export function judgeStatement(text: string, issuer: IssuerSnapshot, now: EpochSeconds): Outcome<Certified> {
  const jws = parseCompactJws(text, softwareStatementBytesMax, 'invalid_software_statement')
  if (!jws.ok) return jws
  const { header, claims } = jws.value
  const trusted = typeof claims.iss === 'string' ? issuer.statementIssuers.get(claims.iss) : undefined
  const kid = typeof header.kid === 'string' ? header.kid : undefined
  const keys = fittingKeys(trusted?.keys ?? [], kid, header.alg as JwsAlg)
  const refusal = firstRefusal(statementRules, {
    header,
    claims,
    trust: trusted,
    hasValidSignature: keys.some(key => verifyJws(jws.value, key, statementAlgs)),
    now,
  })
  return refusal ?? certified(claims as JsonObject)
}

/** What a statement said that was judged when the client registered: it still counts when it has expired since. */
export function rememberedStatement(text: string): Outcome<Certified> {
  const payload = Buffer.from(text.split('.')[1] ?? '', 'base64url').toString('utf8')
  return certified(parseJsonObject(payload) ?? {})
}

function certified(claims: JsonObject): Outcome<Certified> {
  const stated = readStated(claims)
  if (!stated.ok) return { ...stated, error: 'invalid_software_statement' }
  const { software_id: softwareId } = stated.value.metadata
  return accept({ stated: stated.value, iss: String(claims.iss), softwareId })
}
