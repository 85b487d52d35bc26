import { firstRefusal, refuse } from '@holdfast/protocol'
import { cibaPollRules } from '@holdfast/protocol/specs/openid-ciba/poll-rules.ts'
import { cibaGrantType, cibaSlowDownSeconds } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { FoundBackchannelRequest } from '../../../store/store.ts'
import { judgeCibaAccess } from '../../ciba/request.ts'
import { polledGrant } from '../poll.ts'

/** A client asks whether its user has answered elsewhere (OpenID Connect CIBA section 10.1). */
export const ciba = polledGrant<FoundBackchannelRequest>({
  grantType: cibaGrantType,
  parameter: 'auth_req_id',
  missing: refuse('ciba.missing', ['CIBA-10.1'], 'invalid_request', '`auth_req_id` is missing'),
  find: (hash, ports) => ports.store.findBackchannelRequest(hash),
  judge: input => firstRefusal(cibaPollRules, input),
  judgeAgain: judgeCibaAccess,
  contextOf: ({ txn, clientId, subject }, _grant, client) =>
    clientId === client.clientId ? { txn, subject } : {},
  slowDownSeconds: cibaSlowDownSeconds,
  keepPoll: polled => ({ kind: 'poll-backchannel-request', ...polled }),
  spend: polled => ({ kind: 'spend-backchannel-request', ...polled }),
  replayed: refuse(
    'ciba.replayed',
    ['CIBA-7.3-once'],
    'invalid_grant',
    'the `auth_req_id` was used by another request at the same moment',
  ),
  grantEnded: refuse(
    'ciba.grant-ended',
    ['CIBA-10.1'],
    'invalid_grant',
    'the grant ended while the `auth_req_id` was used',
  ),
  also: authReqId => ({ authReqId }),
})
