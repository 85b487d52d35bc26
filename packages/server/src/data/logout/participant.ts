import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import type { ParticipantRecord } from '../../store/records.ts'
import { sessionLimits } from '../interaction/session.ts'

/** A session keeps its id over a new login, so it may outlive the one in which the client joined. */
const keptSeconds = 2 * sessionLimits.lifetimeSeconds

/** Remembers that a client must be told when the session ends; grants go long before that. */
export function participantOf(sid: string, clientId: string, now: EpochSeconds): ParticipantRecord {
  return { sid, clientId, expiresAt: secondsAfter(now, keptSeconds) }
}
