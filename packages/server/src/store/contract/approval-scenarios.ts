import type { EpochSeconds } from '@holdfast/protocol'
import type { ApprovalRecord } from '../approval-records.ts'
import type { GuardKind, Write } from '../writes.ts'
import type { GuardScenario } from './guard-scenarios.ts'
import { approval, later, newHash, rememberedConsent, start } from './samples.ts'

type OfApproval = Extract<
  GuardKind,
  | 'ask-approval'
  | 'give-approval'
  | 'deny-approval'
  | 'spend-approval'
  | 'require-approval'
  | 'require-consent'
>

const ask = (record: ApprovalRecord, at: EpochSeconds = start, ofAskerMax = 20): Write => ({
  kind: 'ask-approval',
  record,
  at,
  ofAskerMax,
})
const deny = ({ key }: ApprovalRecord, at: EpochSeconds = start): Write => ({
  kind: 'deny-approval',
  key,
  at,
  until: later(900),
})
const give = (record: ApprovalRecord, at: EpochSeconds = start, version = 0): Write => ({
  kind: 'give-approval',
  record: { ...record, given: [{ group: 'treasury', by: 'user:2', at }] },
  version,
  approvedAt: at,
  at,
})

/** Approved at the start, until the record ends. */
function approved(
  attempt: (key: ApprovalRecord['key'], at: EpochSeconds) => Write,
  isOnce: boolean,
): GuardScenario {
  const record = approval()
  return {
    prepare: [ask(record), give(record)],
    attempt: at => attempt(record.key, at),
    endsAt: record.expiresAt,
    spoilers: {
      'it was spent': { kind: 'spend-approval', key: record.key, at: start },
      'it was taken back': deny(record),
    },
    unknown: attempt(newHash(), start),
    isOnce,
  }
}

/** Guards of approvals, and of consents that are remembered. */
export const approvalScenarios: Readonly<Record<OfApproval, () => GuardScenario>> = {
  'ask-approval': () => {
    const record = approval()
    const other = { ...record, key: newHash() }
    return {
      prepare: [],
      attempt: () => ask(record, start, 1),
      endsAt: undefined,
      spoilers: {
        'it waits': ask(record),
        'its asker has as many waiting as there may be': ask(other),
      },
      unknown: undefined,
      isOnce: true,
    }
  },
  'give-approval': () => {
    const record = approval()
    return {
      prepare: [ask(record)],
      attempt: at => give(record, at),
      endsAt: record.expiresAt,
      spoilers: { 'another came first': give(record), 'it was denied': deny(record) },
      unknown: give({ ...record, key: newHash() }),
      isOnce: true,
    }
  },
  'deny-approval': () => {
    const record = approval()
    return {
      prepare: [ask(record), give(record)],
      attempt: at => deny(record, at),
      endsAt: record.expiresAt,
      spoilers: {
        'it was denied': deny(record),
        'it was spent': { kind: 'spend-approval', key: record.key, at: start },
      },
      unknown: deny({ ...record, key: newHash() }),
      isOnce: true,
    }
  },
  'spend-approval': () => approved((key, at) => ({ kind: 'spend-approval', key, at }), true),
  'require-approval': () => approved((key, at) => ({ kind: 'require-approval', key, at }), false),
  'require-consent': () => {
    const record = rememberedConsent()
    const { key, grantId } = record
    const attempt = (at: EpochSeconds, of = key): Write => ({ kind: 'require-consent', key: of, grantId, at })
    return {
      prepare: [{ kind: 'remember-consent', record }],
      attempt,
      endsAt: record.expiresAt,
      spoilers: {
        'it was forgotten': { kind: 'forget-consent', key },
        'another took its place': { kind: 'remember-consent', record: { ...record, grantId: 'another' } },
      },
      unknown: attempt(start, newHash()),
      isOnce: false,
    }
  },
}
