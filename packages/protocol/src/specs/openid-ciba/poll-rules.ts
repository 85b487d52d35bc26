import { fail, pass, type Rule } from '../../rule.ts'
import type { PollInput } from '../rfc8628-device/poll-input.ts'

export const cibaPollRules: readonly Rule<PollInput>[] = [
  {
    id: 'ciba.known',
    clauses: ['CIBA-10.1'],
    level: 'MUST',
    title: 'the `auth_req_id` is one we issued',
    check: ({ asked }) => (asked === undefined ? fail('invalid_grant', 'no such `auth_req_id`') : pass),
  },
  {
    id: 'ciba.client',
    clauses: ['CIBA-11-client'],
    level: 'MUST',
    title: 'the `auth_req_id` was issued to this client',
    check: ({ asked, clientId }) =>
      asked?.clientId === clientId
        ? pass
        : fail('invalid_grant', 'the `auth_req_id` was issued to another client'),
  },
  {
    id: 'ciba.binding',
    clauses: ['CLIENT-ATTESTATION-9.4'],
    level: 'OURS',
    title: 'the key is the one that was shown first',
    check: ({ asked, binding }) =>
      asked?.binding === undefined || asked.binding === binding
        ? pass
        : fail('invalid_grant', 'the `auth_req_id` is bound to another key'),
  },
  {
    id: 'ciba.spent',
    clauses: ['CIBA-7.3-once'],
    level: 'MUST',
    title: 'the `auth_req_id` was not used before',
    check: ({ asked }) =>
      asked?.isSpent === true ? fail('invalid_grant', 'the `auth_req_id` was used before') : pass,
  },
  {
    id: 'ciba.denied',
    clauses: ['CIBA-11-denied'],
    level: 'MUST',
    title: 'the user did not deny',
    check: ({ asked }) => (asked?.isDenied === true ? fail('access_denied', 'the user denied') : pass),
  },
  {
    id: 'ciba.expired',
    clauses: ['CIBA-11-expired'],
    level: 'MUST',
    title: 'the `auth_req_id` has not expired',
    check: ({ asked, now }) =>
      asked !== undefined && now < asked.expiresAt
        ? pass
        : fail('expired_token', 'the `auth_req_id` has expired'),
  },
  {
    id: 'ciba.too-fast',
    clauses: ['CIBA-11-slow-down'],
    level: 'MUST',
    title: 'a client that waits for its user keeps the interval between its polls',
    check: ({ asked, now }) =>
      asked === undefined ||
      asked.isApproved ||
      asked.polledAt === undefined ||
      now >= asked.polledAt + asked.intervalSeconds
        ? pass
        : fail('slow_down', 'the client asked again too soon', { interval_seconds: asked.intervalSeconds }),
  },
  {
    id: 'ciba.pending',
    clauses: ['CIBA-11-pending'],
    level: 'MUST',
    title: 'the user has answered',
    check: ({ asked }) =>
      asked?.isApproved === true ? pass : fail('authorization_pending', 'the user has not answered yet'),
  },
  {
    id: 'ciba.grant',
    clauses: ['CIBA-10.1'],
    level: 'MUST',
    title: 'what the user allowed still stands, and so does the user',
    check: ({ grant, now }) =>
      grant.isFound && !grant.isRevoked && now < grant.expiresAt && grant.isUserActive
        ? pass
        : fail('invalid_grant', 'the grant ended or its user is disabled'),
  },
]
