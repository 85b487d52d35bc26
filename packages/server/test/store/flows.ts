import type { HandleHash } from '@holdfast/protocol'
import { sortableTime } from '../../src/data/handle.ts'
import {
  accessToken,
  audit,
  backchannelRequest,
  code,
  deviceCode,
  grant,
  initialAccessToken,
  interaction,
  issuer,
  jti,
  later,
  logoutNotice,
  passkey,
  ping,
  pushedRequest,
  refreshToken,
  session,
  start,
  totp,
  user,
} from '../../src/store/contract/samples.ts'
import type { Store } from '../../src/store/store.ts'
import type { Write } from '../../src/store/writes.ts'

export interface Flow {
  readonly name: string
  readonly writes: readonly Write[]
}

/** Every list the rooms commit on the way from pushed request to revocation, with keys that `name` decides. */
export function flowsOf(name: string): readonly Flow[] {
  const keyOf = (what: string): HandleHash =>
    `${sortableTime(start)}${name}-${what}`.padEnd(49, '.') as HandleHash
  const seen = (flow: string): readonly Write[] => [
    jti(keyOf(`${flow}-assertion`)),
    jti(keyOf(`${flow}-proof`)),
  ]
  const records = {
    pushed: { ...pushedRequest(), hash: keyOf('pushed') },
    interaction: { ...interaction(), hash: keyOf('interaction') },
    otherPushed: { ...pushedRequest(), hash: keyOf('other-pushed') },
    otherInteraction: { ...interaction(), hash: keyOf('other-interaction') },
    session: { ...session(), hash: keyOf('session') },
    grant: { ...grant(), id: keyOf('grant') },
    code: { ...code(), hash: keyOf('code') },
    device: { ...deviceCode(), hash: keyOf('device'), userCodeHash: keyOf('user-code') },
    backchannel: { ...backchannelRequest(), hash: keyOf('ciba'), promptKey: keyOf('prompt') },
    merging: { ...backchannelRequest(), hash: keyOf('merging'), promptKey: keyOf('merging-prompt') },
    ping: { ...ping(), id: keyOf('ping') },
    refresh: { ...refreshToken(), hash: keyOf('refresh') },
    notice: { ...logoutNotice(), id: keyOf('notice') },
    initial: { ...initialAccessToken(1), hash: keyOf('initial') },
    rotated: { ...refreshToken(), hash: keyOf('rotated') },
    stronger: { ...session(), hash: keyOf('stronger'), subject: `${name}-user` },
    app: { ...totp(`${name}-user`), id: keyOf('app') },
    passkey: { ...passkey(`${name}-user`), id: keyOf('passkey') },
    user: user(`${name}-user`, name),
  }
  const access = (flow: string): Write => ({
    kind: 'insert-access-token',
    record: { ...accessToken(), hash: keyOf(`${flow}-access`) },
  })
  const { pushed, grant: held, refresh, rotated, notice } = records
  const sid = `${name}-sid`
  const live: Write = { kind: 'require-live-grant', id: held.id, at: start }
  const at = later(1)
  const owner = `u_${name}`
  const managed = { id: `${name}-managed`, createdAt: start }
  const registered = { issuer, clientId: `${name}-registered` }
  const [token, tokenAgain] = [keyOf('registration'), keyOf('registration-again')]
  const document = (body: string): Write => ({
    kind: 'put-document',
    document: { documentKind: 'RegisteredClient', issuer, name: registered.clientId, body },
  })
  const lists: Readonly<Record<string, readonly Write[]>> = {
    par: [...seen('par'), { kind: 'insert-pushed-request', record: pushed }],
    authorize: [{ kind: 'insert-interaction', record: records.interaction }],
    login: [
      { kind: 'advance-interaction', record: records.interaction, at },
      { kind: 'put-user', record: records.user },
      { kind: 'insert-session', record: { ...records.session, sid, subject: records.user.subject } },
    ],
    wrongUserRequest: [
      { kind: 'insert-pushed-request', record: records.otherPushed },
      { kind: 'insert-interaction', record: records.otherInteraction },
    ],
    wrongUser: [
      {
        kind: 'finish-interaction',
        hash: records.otherInteraction.hash,
        version: records.otherInteraction.version,
        at,
      },
      { kind: 'spend-pushed-request', hash: records.otherPushed.hash, at },
      { kind: 'clear-failures', key: keyOf('failures') },
    ],
    code: [
      { kind: 'finish-interaction', hash: records.interaction.hash, version: 2, at },
      { kind: 'spend-pushed-request', hash: pushed.hash, at },
      { kind: 'insert-grant', record: held },
      { kind: 'insert-grant', record: { ...held, id: keyOf('session-grant'), sid } },
      { kind: 'join-session', record: { sid, clientId: 'client-1', expiresAt: later(86_400) } },
      { kind: 'insert-code', record: records.code },
    ],
    token: [
      ...seen('token'),
      live,
      { kind: 'spend-code', hash: records.code.hash, at },
      access('token'),
      { kind: 'insert-refresh-token', record: refresh },
    ],
    refresh: [
      ...seen('refresh'),
      live,
      { kind: 'use-refresh-token', hash: refresh.hash, at, idleExpiresAt: later(7200) },
      access('refresh'),
    ],
    rotation: [
      ...seen('rotation'),
      live,
      { kind: 'spend-refresh-token', hash: refresh.hash, at },
      { kind: 'insert-refresh-token', record: rotated },
      access('rotation'),
    ],
    deviceRequest: [...seen('device'), { kind: 'insert-device-code', record: records.device }],
    deviceApproval: [{ kind: 'approve-device-code', hash: records.device.hash, grantId: held.id, at }],
    deviceToken: [
      ...seen('device-token'),
      live,
      { kind: 'spend-device-code', hash: records.device.hash, at, binding: undefined },
      access('device-token'),
    ],
    cibaRequest: [
      ...seen('ciba'),
      {
        kind: 'take-prompt',
        key: records.backchannel.promptKey,
        holder: records.backchannel.hash,
        at,
        until: later(300),
      },
      { kind: 'insert-backchannel-request', record: records.backchannel },
      { kind: 'insert-backchannel-request', record: records.merging },
    ],
    cibaApproval: [
      { kind: 'approve-backchannel-request', hash: records.backchannel.hash, grantId: held.id, at },
      { kind: 'insert-ping', record: records.ping },
    ],
    cibaPingClaim: [{ kind: 'claim-ping', id: records.ping.id, version: 0, at, dueAt: later(16) }],
    cibaPinged: [{ kind: 'finish-ping', id: records.ping.id, version: 1 }],
    cibaToken: [
      ...seen('ciba-token'),
      live,
      { kind: 'spend-backchannel-request', hash: records.backchannel.hash, at, binding: undefined },
      access('ciba-token'),
    ],
    jwtBearer: [
      ...seen('jwt-bearer'),
      jti(keyOf('grant-assertion')),
      { kind: 'insert-grant', record: { ...held, id: keyOf('asserted-grant') } },
      access('jwt-bearer'),
    ],
    replacedGrant: [
      { kind: 'end-grant', id: keyOf('asserted-grant'), at },
      { kind: 'insert-grant', record: { ...held, id: keyOf('replacing'), managed } },
    ],
    cibaMerge: [
      {
        kind: 'approve-backchannel-request',
        hash: records.merging.hash,
        grantId: keyOf('merged'),
        at,
      },
      { kind: 'end-grant', id: keyOf('replacing'), at },
      { kind: 'insert-grant', record: { ...held, id: keyOf('merged'), managed } },
      { kind: 'free-prompt', key: records.merging.promptKey, holder: records.merging.hash },
    ],
    clientCredentials: [...seen('client'), access('client')],
    revoke: [
      ...seen('revoke'),
      { kind: 'revoke-refresh-token', hash: rotated.hash, at },
      { kind: 'revoke-access-token', hash: keyOf('rotation-access'), at },
    ],
    logout: [
      { kind: 'end-session', hash: records.session.hash, at },
      { kind: 'revoke-grants-of-session', sid, at },
      { kind: 'insert-logout-notice', record: { ...notice, sid } },
    ],
    enrolment: [
      { kind: 'require-user', record: records.user },
      { kind: 'insert-authenticator', record: records.app, counter: 41, ofUserMax: 11 },
      { kind: 'insert-authenticator', record: records.passkey, counter: 0, ofUserMax: 11 },
    ],
    secondFactor: [
      { kind: 'use-authenticator', id: records.app.id, counter: 42, at },
      { kind: 'insert-session', record: records.stronger },
    ],
    removal: [
      { kind: 'end-session', hash: records.stronger.hash, at },
      { kind: 'insert-session', record: { ...records.stronger, hash: keyOf('after-removal') } },
      { kind: 'delete-authenticator', id: records.passkey.id },
      {
        kind: 'revoke-sessions-of-subject',
        issuer: records.user.issuer,
        subject: records.user.subject,
        except: keyOf('after-removal'),
        at,
      },
    ],
    everything: [
      { kind: 'insert-grant', record: { ...held, id: keyOf('owned'), subject: owner } },
      { kind: 'revoke-grants-of-subject', issuer: held.issuer, subject: owner, at },
      { kind: 'revoke-sessions-of-subject', issuer: held.issuer, subject: owner, at },
      { kind: 'revoke-tokens-of-subject', issuer: held.issuer, subject: owner, at },
    ],
    claim: [{ kind: 'claim-logout-notice', id: notice.id, version: 0, at, dueAt: later(16) }],
    postponed: [{ kind: 'postpone-logout-notice', id: notice.id, version: 1, dueAt: later(20) }],
    claimAgain: [{ kind: 'claim-logout-notice', id: notice.id, version: 2, at: later(20), dueAt: later(35) }],
    delivered: [{ kind: 'finish-logout-notice', id: notice.id, version: 3 }],
    initialAccess: [{ kind: 'insert-initial-access-token', record: records.initial }],
    register: [
      document('{}'),
      { kind: 'use-initial-access-token', hash: records.initial.hash, at },
      { kind: 'put-registration', ...registered, tokenHash: token },
    ],
    readRegistration: [{ kind: 'rotate-registration', ...registered, from: token, to: tokenAgain }],
    deleteRegistration: [
      document('{"deleted":true}'),
      { kind: 'end-registration', ...registered, tokenHash: tokenAgain },
    ],
    revokeInitialAccess: [{ kind: 'revoke-initial-access-token', hash: records.initial.hash, at }],
    replayedCode: [...seen('replay'), { kind: 'revoke-grant', id: held.id, at }],
  }
  return Object.entries(lists).map(([flow, writes]) => ({
    name: flow,
    writes: [...writes, audit(`${name}-${flow}`)],
  }))
}

/** Whether what `write` does has been done; undefined where a later flow covers the trace. */
export async function isDone(store: Store, write: Write): Promise<boolean | undefined> {
  switch (write.kind) {
    case 'insert-pushed-request':
      return (await store.findPushedRequest(write.record.hash)) !== undefined
    case 'spend-pushed-request':
      return (await store.findPushedRequest(write.hash))?.spentAt !== undefined
    case 'insert-interaction':
      return (await store.findInteraction(write.record.hash)) !== undefined
    case 'advance-interaction':
      return (await store.findInteraction(write.record.hash))?.version === 2
    case 'finish-interaction':
      return (await store.findInteraction(write.hash))?.spentAt !== undefined
    case 'insert-session':
      return (await store.findSession(write.record.hash)) !== undefined
    case 'end-session':
      return (await store.findSession(write.hash))?.revokedAt !== undefined
    case 'join-session':
      return (await store.listParticipants(write.record.sid)).includes(write.record.clientId)
    case 'insert-grant':
      return (await store.findGrant(write.record.id)) !== undefined
    case 'revoke-grant':
    case 'end-grant':
      return (await store.findGrant(write.id))?.revokedAt !== undefined
    case 'insert-code':
      return (await store.findCode(write.record.hash)) !== undefined
    case 'spend-code':
      return (await store.findCode(write.hash))?.spentAt !== undefined
    case 'insert-device-code':
      return (await store.findDeviceCode(write.record.hash)) !== undefined
    case 'approve-device-code':
      return (await store.findDeviceCode(write.hash))?.grantId === write.grantId
    case 'spend-device-code':
      return (await store.findDeviceCode(write.hash))?.spentAt !== undefined
    case 'insert-backchannel-request':
      return (await store.findBackchannelRequest(write.record.hash)) !== undefined
    case 'take-prompt':
      return (await store.findPrompt(write.key, start)) === write.holder
    case 'approve-backchannel-request':
      return (await store.findBackchannelRequest(write.hash))?.grantId === write.grantId
    case 'spend-backchannel-request':
      return (await store.findBackchannelRequest(write.hash))?.spentAt !== undefined
    case 'insert-access-token':
      return (await store.findAccessToken(write.record.hash)) !== undefined
    case 'revoke-access-token':
      return (await store.findAccessToken(write.hash))?.revokedAt !== undefined
    case 'insert-refresh-token':
      return (await store.findRefreshToken(write.record.hash)) !== undefined
    case 'spend-refresh-token':
      return (await store.findRefreshToken(write.hash))?.spentAt !== undefined
    case 'revoke-refresh-token':
      return (await store.findRefreshToken(write.hash))?.revokedAt !== undefined
    case 'use-refresh-token':
      return (await store.findRefreshToken(write.hash))?.idleExpiresAt === write.idleExpiresAt
    case 'insert-authenticator':
      return write.record.kind === 'totp'
        ? (await store.findAuthenticator(write.record.id)) !== undefined
        : undefined
    case 'use-authenticator':
      return (await store.findAuthenticator(write.id))?.counter === write.counter
    case 'insert-initial-access-token':
      return (await store.findInitialAccessToken(write.record.hash)) !== undefined
    case 'use-initial-access-token':
      return (await store.findInitialAccessToken(write.hash))?.usesLeft === 0
    case 'revoke-initial-access-token':
      return (await store.findInitialAccessToken(write.hash))?.revokedAt !== undefined
    case 'append-audit':
      return (await store.findAudit(write.record.requestId, 2)).length === 1
    case 'remember-jti':
      return isRemembered(store, write)
    default:
      return undefined
  }
}

/** Asked without leaving a trace: the list ends in a guard that always fails. */
async function isRemembered(store: Store, write: Write): Promise<boolean> {
  const never: Write = { kind: 'require-live-grant', id: 'no such grant', at: start }
  const result = await store.commit([write, never])
  return !result.committed && result.index === 0
}
