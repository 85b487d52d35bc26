import { fail, pass, type Rule } from '../../rule.ts'
import type { PollInput } from './poll-input.ts'

type Check = Rule<PollInput>['check']

/** What is asked of a poll in one order, whichever specification names the parts. */
export interface PollChecks {
  readonly known: Check
  readonly client: Check
  readonly binding: Check
  readonly spent: Check
  readonly denied: Check
  readonly expired: Check
  readonly tooFast: Check
  readonly pending: Check
  readonly grant: Check
}

/**
 * The judgement of a client that asks whether its user has answered (RFC 8628 section 3.5, which CIBA section 11
 * takes over).
 * @param handle what it asks with, as the end of a sentence names it
 * @param asker who asks
 */
export function pollChecks(handle: string, asker: string): PollChecks {
  return {
    known: ({ asked }) => (asked === undefined ? fail('invalid_grant', `no such ${handle}`) : pass),
    client: ({ asked, clientId }) =>
      asked?.clientId === clientId
        ? pass
        : fail('invalid_grant', `the ${handle} was issued to another client`),
    binding: ({ asked, binding }) =>
      asked?.binding === undefined || asked.binding === binding
        ? pass
        : fail('invalid_grant', `the ${handle} is bound to another key`),
    spent: ({ asked }) =>
      asked?.isSpent === true ? fail('invalid_grant', `the ${handle} was used before`) : pass,
    denied: ({ asked }) => (asked?.isDenied === true ? fail('access_denied', 'the user denied') : pass),
    expired: ({ asked, now }) =>
      asked !== undefined && now < asked.expiresAt
        ? pass
        : fail('expired_token', `the ${handle} has expired`),
    tooFast: ({ asked, now }) =>
      asked === undefined ||
      asked.isApproved ||
      asked.polledAt === undefined ||
      now >= asked.polledAt + asked.intervalSeconds
        ? pass
        : fail('slow_down', `the ${asker} asked again too soon`, { interval_seconds: asked.intervalSeconds }),
    pending: ({ asked }) =>
      asked?.isApproved === true ? pass : fail('authorization_pending', 'the user has not answered yet'),
    grant: ({ grant, now }) =>
      grant.isFound && !grant.isRevoked && now < grant.expiresAt && grant.isUserActive
        ? pass
        : fail('invalid_grant', 'the grant ended or its user is disabled'),
  }
}
