import type { Rule } from '../../rule.ts'
import { pollChecks } from '../rfc8628-device/poll-checks.ts'
import type { PollInput } from '../rfc8628-device/poll-input.ts'

const polled = pollChecks('`auth_req_id`', 'client')

export const cibaPollRules: readonly Rule<PollInput>[] = [
  {
    id: 'ciba.known',
    clauses: ['CIBA-10.1'],
    level: 'MUST',
    title: 'the `auth_req_id` is one we issued',
    check: polled.known,
  },
  {
    id: 'ciba.client',
    clauses: ['CIBA-11-client'],
    level: 'MUST',
    title: 'the `auth_req_id` was issued to this client',
    check: polled.client,
  },
  {
    id: 'ciba.binding',
    clauses: ['CLIENT-ATTESTATION-9.4'],
    level: 'OURS',
    title: 'the key is the one that was shown first',
    check: polled.binding,
  },
  {
    id: 'ciba.spent',
    clauses: ['CIBA-7.3-once'],
    level: 'MUST',
    title: 'the `auth_req_id` was not used before',
    check: polled.spent,
  },
  {
    id: 'ciba.denied',
    clauses: ['CIBA-11-denied'],
    level: 'MUST',
    title: 'the user did not deny',
    check: polled.denied,
  },
  {
    id: 'ciba.expired',
    clauses: ['CIBA-11-expired'],
    level: 'MUST',
    title: 'the `auth_req_id` has not expired',
    check: polled.expired,
  },
  {
    id: 'ciba.too-fast',
    clauses: ['CIBA-11-slow-down'],
    level: 'MUST',
    title: 'a client that waits for its user keeps the interval between its polls',
    check: polled.tooFast,
  },
  {
    id: 'ciba.pending',
    clauses: ['CIBA-11-pending'],
    level: 'MUST',
    title: 'the user has answered',
    check: polled.pending,
  },
  {
    id: 'ciba.grant',
    clauses: ['CIBA-10.1'],
    level: 'MUST',
    title: 'what the user allowed still stands, and so does the user',
    check: polled.grant,
  },
]
