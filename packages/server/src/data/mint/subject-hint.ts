import { cibaGrantType } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { openText, sealText } from '../sealed.ts'
import { subjectFor } from './pairwise.ts'

/** Opaque to everybody but us, and another text in every token: clients that compare it learn nothing. */
const subjectHintClaim = 'urn:holdfast:claim:subject-hint'

/**
 * A pairwise subject cannot be turned back into its user, so the ID tokens of a client that may ask for users by them
 * (CIBA) say, sealed, who is meant.
 */
export function subjectHint(
  { grantTypes }: Client,
  sector: string | undefined,
  subject: string,
  issuer: string,
  ports: Ports,
): Readonly<Record<string, string>> {
  return sector !== undefined && grantTypes.includes(cibaGrantType)
    ? { [subjectHintClaim]: sealText(ports, issuer, 'ciba-hint', sector, subject) }
    : {}
}

/**
 * Whom an ID token means that we signed for a client of this sector.
 * @param sector undefined: its subjects are public
 * @returns undefined when a pairwise subject came without a hint, or with that of another sector
 */
export function hintedSubject(
  claims: Readonly<Record<string, unknown>>,
  sector: string | undefined,
  issuer: string,
  { keys }: Ports,
): string | undefined {
  if (sector === undefined) return String(claims.sub)
  const sealed = claims[subjectHintClaim]
  const subject = typeof sealed === 'string' ? openText(keys, issuer, 'ciba-hint', sector, sealed) : undefined
  return subject !== undefined && subjectFor(keys, issuer, sector, subject) === claims.sub
    ? subject
    : undefined
}
