import { firstRefusal, refuse } from '@holdfast/protocol'
import {
  deviceGrantType,
  devicePollRules,
  slowDownSeconds,
} from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import type { FoundDeviceCode } from '../../../store/store.ts'
import { judgeDeviceRequest } from '../../device/request.ts'
import { polledGrant } from '../poll.ts'

/** A device asks whether its user has answered (RFC 8628 section 3.4). */
export const deviceCode = polledGrant<FoundDeviceCode>({
  grantType: deviceGrantType,
  parameter: 'device_code',
  missing: refuse('device.missing', ['RFC8628-3.4'], 'invalid_request', '`device_code` is missing'),
  find: (hash, ports) => ports.store.findDeviceCode(hash),
  judge: input => firstRefusal(devicePollRules, input),
  judgeAgain: judgeDeviceRequest,
  contextOf: ({ txn }, grant) => ({ txn, ...(grant && { subject: grant.subject }) }),
  slowDownSeconds,
  keepPoll: polled => ({ kind: 'poll-device-code', ...polled }),
  spend: polled => ({ kind: 'spend-device-code', ...polled }),
  replayed: refuse(
    'device.replayed',
    ['RFC8628-5.2'],
    'invalid_grant',
    'the device code was used by another request at the same moment',
  ),
  grantEnded: refuse(
    'device.grant-ended',
    ['RFC8628-3.4'],
    'invalid_grant',
    'the grant ended while the device code was used',
  ),
})
