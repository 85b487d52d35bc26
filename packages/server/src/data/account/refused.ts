import { type Refusal, refuse } from '@holdfast/protocol'
import type { Ports } from '../../ports.ts'
import { recordRefusal } from '../refused.ts'
import type { AccountVisit } from './visit.ts'

export const changedMeanwhile = refuse(
  'account.once',
  ['WEBAUTHN-13.4.3'],
  'access_denied',
  'the page was answered before, or the session ended',
)

/** Written down under whoever is signed in. */
export async function recordAccountRefusal(
  { exchange, session }: AccountVisit,
  ports: Ports,
  refusal: Refusal,
): Promise<void> {
  const { subject } = session.record
  await recordRefusal(exchange, ports, 'account.refused', refusal, { context: { subject } })
}
