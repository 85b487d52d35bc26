import assert from 'node:assert/strict'
import type { HandleHash } from '@holdfast/protocol'
import { hashOfJti, sortableTime } from '../../src/data/handle.ts'
import {
  accessToken,
  approval,
  audit,
  backchannelRequest,
  code,
  deviceCode,
  grant,
  initialAccessToken,
  interaction,
  issuer,
  jti,
  key,
  later,
  logoutNotice,
  passkey,
  ping,
  pushedRequest,
  refreshToken,
  rememberedConsent,
  session,
  sighting,
  start,
  statusEntry,
  totp,
  user,
  verifier,
} from '../../src/store/contract/samples.ts'
import type { ReplayNamespace, Write } from '../../src/store/writes.ts'

export interface Flow {
  readonly name: string
  readonly writes: readonly Write[]
}

/** The one chain whose flows also raise the revision, which a store has once. */
export const firstChain = 'one'

/** What a later flow removes says so in its key: its trace proves nothing. */
const passing = 'passing'

export function isPassing(key: string): boolean {
  return key.includes(passing)
}

/** A grant of an issuer whose every access ends. */
export function grantOfEnded(url: string): HandleHash {
  return `${sortableTime(start)}${url}`.padEnd(49, '.') as HandleHash
}

/** Every list the rooms commit on the way from pushed request to revocation, with keys that `name` decides. */
export function flowsOf(name: string): readonly Flow[] {
  const keyOf = (what: string): HandleHash =>
    `${sortableTime(start)}${name}-${what}`.padEnd(49, '.') as HandleHash
  // As real ones, which differ from the first character of their digest on: a store may keep no more than a part.
  const spent = (what: ReplayNamespace, flow: string): Write =>
    jti(hashOfJti(what, issuer, start, [name, flow]), start, later(60), what)
  const seen = (flow: string): readonly Write[] => [
    spent('client-assertion', flow),
    spent('dpop-proof', flow),
  ]
  const records = {
    pushed: { ...pushedRequest(), hash: keyOf('pushed') },
    interaction: { ...interaction(), hash: keyOf('interaction') },
    otherPushed: { ...pushedRequest(), hash: keyOf('other-pushed') },
    otherInteraction: { ...interaction(), hash: keyOf('other-interaction') },
    atOncePushed: { ...pushedRequest(), hash: keyOf('at-once-pushed') },
    atOnceCode: { ...code(), hash: keyOf('at-once-code'), grantId: keyOf('at-once-grant') },
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
    here: { ...session(), hash: keyOf('here') },
    elsewhere: { ...session(), hash: keyOf('elsewhere'), sid: `${name}-elsewhere` },
    app: { ...totp(`${name}-user`), id: keyOf('app') },
    passkey: { ...passkey(`${name}-user`), id: keyOf('passkey') },
    user: user(`${name}-user`, name),
    upstreamUser: user(`${name}-upstream`, `${name} of elsewhere`),
    approval: { ...approval(), key: keyOf('approval') },
    deniedApproval: { ...approval(), key: keyOf('denied-approval') },
    consent: { ...rememberedConsent(), key: keyOf('consent'), grantId: keyOf('approved-grant') },
    forgotten: { ...rememberedConsent(), key: keyOf(`${passing}-consent`) },
    unwanted: user(`${name}-${passing}-user`, `${name} who leaves`),
    migrated: { ...refreshToken(), hash: keyOf('migrated') },
    refusedDevice: {
      ...deviceCode(),
      hash: keyOf('refused-device'),
      userCodeHash: keyOf('refused-user-code'),
    },
    refusedCiba: {
      ...backchannelRequest(),
      hash: keyOf('refused-ciba'),
      promptKey: keyOf(`${passing}-prompt`),
    },
    refusedPing: { ...ping(), id: keyOf('refused-ping') },
    listed: {
      ...statusEntry(),
      list: name.replaceAll('.', '-').padEnd(28, '-'),
      tokenHash: keyOf('listed-access'),
    },
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
  const [old, next] = [`${name}-${passing}-old`, `${name}-next`]
  const fresh = { activeAt: key(old).activeAt, removedAt: undefined }
  const ending = (seconds: number) => ({ ...fresh, removedAt: later(seconds) })
  const document = (body: string): Write => ({
    kind: 'put-document',
    document: { documentKind: 'RegisteredClient', issuer, name: registered.clientId, body },
  })
  const applied = { documentKind: 'Client', issuer, name: `${name}-applied` }
  const administrator = {
    ...applied,
    documentKind: 'Administrator',
    name: `${name}-anna`,
    body: '{"spec":{}}',
  }
  const waiting = { ...administrator, documentKind: 'PendingChange', name: `${name}-${passing}-change` }
  const endedIssuer = `https://${name}.example`
  const passingClient = { issuer, clientId: `${name}-leaving` }
  const [kept, ended, taken, deleted] = ['kept', 'ended', 'taken', passing].map(what => ({
    ...key(`${name}-key-${what}`),
    activeAt: start,
  }))
  assert(kept !== undefined && ended !== undefined && taken !== undefined && deleted !== undefined)
  const ofKey = ({ issuer, id }: { issuer: string; id: string }) => ({ issuer, id })
  const lists: Readonly<Record<string, readonly Write[]>> = {
    par: [...seen('par'), spent('request-object', 'par'), { kind: 'insert-pushed-request', record: pushed }],
    authorize: [{ kind: 'insert-interaction', record: records.interaction }],
    login: [
      { kind: 'advance-interaction', record: records.interaction, at },
      { kind: 'put-user', record: records.user },
      { kind: 'insert-session', record: { ...records.session, sid, subject: records.user.subject } },
    ],
    wrongPassword: [
      { kind: 'count-failure', key: keyOf(`${passing}-failures`), at, windowSeconds: 60 },
      { kind: 'count-failure', key: keyOf('failures'), at, windowSeconds: 60 },
    ],
    upstream: [
      { kind: 'insert-user', record: records.upstreamUser },
      {
        kind: 'insert-session',
        record: { ...records.session, hash: keyOf('upstream-session'), sid: `${sid}-2` },
      },
    ],
    upstreamLogout: [{ kind: 'revoke-session', hash: keyOf('upstream-session'), at }],
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
      { kind: 'clear-failures', key: keyOf(`${passing}-failures`) },
    ],
    code: [
      { kind: 'finish-interaction', hash: records.interaction.hash, version: 2, at },
      { kind: 'spend-pushed-request', hash: pushed.hash, at },
      { kind: 'insert-grant', record: held },
      { kind: 'insert-grant', record: { ...held, id: keyOf('session-grant'), sid } },
      { kind: 'touch-session', hash: records.session.hash, idleExpiresAt: later(1900) },
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
    approvalAsked: [
      ...seen('approval'),
      { kind: 'ask-approval', record: records.approval, at, ofAskerMax: 20 },
      { kind: 'ask-approval', record: records.deniedApproval, at, ofAskerMax: 20 },
    ],
    approvalGiven: [
      { kind: 'give-approval', record: records.approval, version: 0, approvedAt: at, at },
      { kind: 'remember-consent', record: records.forgotten },
    ],
    approvalDenied: [
      { kind: 'deny-approval', key: records.deniedApproval.key, at, until: later(900) },
      { kind: 'forget-consent', key: records.forgotten.key },
    ],
    approvalServes: [
      ...seen('approval-serves'),
      { kind: 'require-approval', key: records.approval.key, at },
      { kind: 'remember-consent', record: records.consent },
    ],
    approvedCode: [
      { kind: 'spend-approval', key: records.approval.key, at },
      { kind: 'require-consent', key: records.consent.key, grantId: keyOf('approved-grant'), at },
      { kind: 'insert-grant', record: { ...held, id: keyOf('approved-grant') } },
    ],
    atOnceRequest: [{ kind: 'insert-pushed-request', record: records.atOncePushed }],
    codeAtOnce: [
      { kind: 'spend-pushed-request', hash: records.atOncePushed.hash, at },
      { kind: 'require-consent', key: records.consent.key, grantId: keyOf('approved-grant'), at },
      { kind: 'insert-grant', record: { ...held, id: keyOf('at-once-grant') } },
      { kind: 'insert-code', record: records.atOnceCode },
      { kind: 'join-session', record: { sid, clientId: 'client-at-once', expiresAt: later(86_400) } },
      { kind: 'touch-session', hash: records.session.hash, idleExpiresAt: later(1950) },
    ],
    refresh: [
      ...seen('refresh'),
      live,
      { kind: 'use-refresh-token', hash: refresh.hash, at, idleExpiresAt: later(7200) },
      access('refresh'),
    ],
    keyMade: [{ kind: 'insert-key', record: key(old) }],
    keyRotation: [
      // The roll-back below makes room for the same rotation once more.
      ...seen('key-rotation'),
      { kind: 'end-key', issuer, id: old, removedAt: later(900) },
      { kind: 'insert-key', record: key(next) },
    ],
    keyReport: [...seen('report'), { kind: 'put-verifier', record: verifier(name) }],
    signInSeen: [
      { kind: 'remember-sighting', record: sighting(owner, 'browser') },
      { kind: 'remember-sighting', record: sighting(owner, passing) },
      { kind: 'remember-sighting', record: sighting(`${owner}-${passing}`, 'browser') },
    ],
    sightingsForgotten: [
      { kind: 'forget-sighting', sighting: sighting(owner, passing) },
      { kind: 'forget-sightings', issuer, owner: `${owner}-${passing}` },
    ],
    keyPromotion: [
      { kind: 'retime-key', issuer, id: next, from: fresh, to: { ...fresh, activeAt: later(700) } },
      { kind: 'retime-key', issuer, id: old, from: ending(900), to: ending(1000) },
    ],
    keyRollBack: [
      { kind: 'withdraw-key', issuer, id: next, at: later(2), removedAt: later(50) },
      { kind: 'retime-key', issuer, id: old, from: ending(1000), to: fresh },
    ],
    rotation: [
      ...seen('rotation'),
      live,
      { kind: 'spend-refresh-token', hash: refresh.hash, at },
      { kind: 'insert-refresh-token', record: rotated },
      access('rotation'),
    ],
    deviceRequest: [...seen('device'), { kind: 'insert-device-code', record: records.device }],
    devicePoll: [
      ...seen('device-poll'),
      { kind: 'poll-device-code', hash: records.device.hash, at, intervalSeconds: 5, binding: undefined },
    ],
    refusedDevice: [...seen('refused-device'), { kind: 'insert-device-code', record: records.refusedDevice }],
    deviceDenial: [{ kind: 'deny-device-code', hash: records.refusedDevice.hash, at }],
    deviceApproval: [{ kind: 'approve-device-code', hash: records.device.hash, grantId: held.id, at }],
    deviceToken: [
      ...seen('device-token'),
      live,
      { kind: 'spend-device-code', hash: records.device.hash, at, binding: undefined },
      access('device-token'),
    ],
    refusedCiba: [
      ...seen('refused-ciba'),
      spent('backchannel-request-object', 'refused-ciba'),
      {
        kind: 'take-prompt',
        key: records.refusedCiba.promptKey,
        holder: records.refusedCiba.hash,
        at,
        until: later(300),
      },
      { kind: 'insert-backchannel-request', record: records.refusedCiba },
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
    cibaPoll: [
      ...seen('ciba-poll'),
      {
        kind: 'poll-backchannel-request',
        hash: records.refusedCiba.hash,
        at,
        intervalSeconds: 5,
        binding: undefined,
      },
    ],
    cibaDenial: [
      { kind: 'deny-backchannel-request', hash: records.refusedCiba.hash, at },
      { kind: 'free-prompt', key: records.refusedCiba.promptKey, holder: records.refusedCiba.hash },
      { kind: 'insert-ping', record: records.refusedPing },
    ],
    refusedPingClaim: [{ kind: 'claim-ping', id: records.refusedPing.id, version: 0, at, dueAt: later(16) }],
    pingPostponed: [{ kind: 'postpone-ping', id: records.refusedPing.id, version: 1, dueAt: later(20) }],
    jwtBearer: [
      ...seen('jwt-bearer'),
      spent('authorization-grant', 'jwt-bearer'),
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
    listedToken: [
      ...seen('listed'),
      access('listed'),
      { kind: 'insert-status-entry', record: records.listed },
    ],
    workload: [spent('client-svid', 'workload'), spent('dpop-proof', 'workload'), access('workload')],
    instance: [spent('client-attestation-pop', 'instance'), access('instance')],
    toMigrate: [...seen('to-migrate'), live, { kind: 'insert-refresh-token', record: records.migrated }],
    migration: [
      ...seen('migration'),
      live,
      { kind: 'retire-refresh-token', hash: records.migrated.hash, at, graceSeconds: 60 },
      access('migration'),
    ],
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
    signInTwice: [
      { kind: 'insert-session', record: records.here },
      { kind: 'insert-session', record: records.elsewhere },
      { kind: 'insert-grant', record: { ...held, id: keyOf('elsewhere-grant'), sid: `${name}-elsewhere` } },
    ],
    withdrawal: [
      { kind: 'touch-session', hash: records.here.hash, idleExpiresAt: later(3600) },
      { kind: 'end-grant', id: keyOf('merged'), at },
      { kind: 'insert-logout-notice', record: { ...notice, id: keyOf('withdrawal-notice') } },
    ],
    endOfOthers: [
      { kind: 'touch-session', hash: records.here.hash, idleExpiresAt: later(7200) },
      { kind: 'end-session', hash: records.elsewhere.hash, at },
      { kind: 'revoke-grants-of-session', sid: `${name}-elsewhere`, at },
      { kind: 'insert-logout-notice', record: { ...notice, id: keyOf('others-notice') } },
    ],
    tenantsGrant: [
      { kind: 'insert-grant', record: { ...held, id: grantOfEnded(endedIssuer), issuer: endedIssuer } },
    ],
    allOfATenant: [{ kind: 'revoke-all-of-issuer', issuer: endedIssuer, at }],
    allOfAClient: [
      { kind: 'insert-grant', record: { ...held, id: keyOf('of-leaving'), ...passingClient } },
      { kind: 'forget-consents-of-client', ...passingClient },
      { kind: 'forget-approvals-of-client', ...passingClient },
      { kind: 'forget-consents-of-subject', issuer, subject: owner },
      { kind: 'revoke-grants-of-client', ...passingClient, at },
      { kind: 'revoke-tokens-of-client', ...passingClient, at },
    ],
    clientNarrowed: [{ kind: 'narrow-client', issuer, clientId: `${name}-narrowed` }],
    userMade: [
      ...seen('user-made'),
      { kind: 'put-user', record: records.unwanted },
      {
        kind: 'insert-authenticator',
        record: { ...totp(records.unwanted.subject), id: keyOf('unwanted-app') },
        counter: 41,
        ofUserMax: 11,
      },
    ],
    userDisabled: [{ kind: 'put-user', record: { ...records.upstreamUser, status: 'disabled' } }],
    userDeleted: [
      { kind: 'delete-user', issuer, subject: records.unwanted.subject },
      { kind: 'forget-approvals-of-subject', issuer, subject: records.unwanted.subject },
      { kind: 'delete-authenticators-of-user', issuer, subject: records.unwanted.subject },
    ],
    apply: [
      ...(name === firstChain ? [{ kind: 'raise-revision', from: 0 } as const] : []),
      { kind: 'put-document', document: { ...applied, body: '{"spec":{"status":"suspended"}}' } },
      { kind: 'put-document', document: { ...applied, name: `${name}-${passing}`, body: '{"spec":{}}' } },
    ],
    changeWaits: [
      { kind: 'put-document', document: administrator },
      { kind: 'put-document', document: waiting },
    ],
    // Both confirmations of a race find the same change: what takes it away does what it asked for.
    changeConfirmed: [
      { kind: 'require-document', document: administrator },
      { kind: 'require-document', document: waiting },
      { kind: 'insert-initial-access-token', record: { ...records.initial, hash: keyOf('confirmed') } },
      { kind: 'delete-document', documentKind: waiting.documentKind, issuer, name: waiting.name },
    ],
    applyAgain: [{ kind: 'delete-document', ...applied, name: `${name}-${passing}` }],
    keysMade: [kept, ended, taken, deleted].map(record => ({ kind: 'insert-key', record }) as const),
    keysEnded: [
      { kind: 'end-key', ...ofKey(ended), removedAt: later(100) },
      { kind: 'end-key', ...ofKey(deleted), removedAt: at },
    ],
    keyTakenBack: [{ kind: 'revoke-key', ...ofKey(taken), at }],
    keyDeleted: [{ kind: 'delete-key', ...ofKey(deleted), at }],
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
      document('{"spec":{"status":"deleted"}}'),
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
