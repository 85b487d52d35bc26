import { type EpochSeconds, epochSeconds, type HandleHash, secondsAfter } from '@holdfast/protocol'
import { sortableTime } from '../../data/handle.ts'
import type { Clock } from '../../ports.ts'
import type { ApprovalRecord, RememberedConsentRecord } from '../approval-records.ts'
import type {
  AccessTokenRecord,
  AuditRecord,
  AuthorizationRequest,
  BackchannelRequestRecord,
  CodeRecord,
  DeviceCodeRecord,
  GrantRecord,
  InitialAccessTokenRecord,
  InteractionRecord,
  LogoutNoticeRecord,
  PasskeyRecord,
  PingRecord,
  PushedRequestRecord,
  RefreshTokenRecord,
  SessionRecord,
  SightingRecord,
  StatusEntryRecord,
  TotpRecord,
  UserRecord,
  VerifierRecord,
} from '../records.ts'
import type { KeyRecord, ReplayNamespace, Write } from '../writes.ts'

/** When every sample was made; the clock of the contract stands here. */
export const start = epochSeconds(1_800_000_000)
export const issuer = 'https://issuer.example'
export const standingClock: Clock = { now: () => start, monotonicMs: () => 0 }

export function later(seconds: number): EpochSeconds {
  return secondsAfter(start, seconds)
}

let made = 0

/** A key nobody else has, time-led like the real ones. `process` keeps those of two processes apart. */
export function newHash(): HandleHash {
  made++
  return `${sortableTime(start)}${process.pid}-${made}`.padEnd(49, '.') as HandleHash
}

const request: AuthorizationRequest = {
  clientId: 'client-1',
  redirectUri: 'https://client.example/callback?a=ü',
  redirectUriSent: true,
  responseType: 'code',
  responseMode: undefined,
  requestObject: undefined,
  requestObjectJti: undefined,
  scopes: ['openid', 'payments'],
  resources: ['https://api.example'],
  state: 'state',
  nonce: undefined,
  codeChallenge: 'c'.repeat(43),
  dpopJkt: undefined,
  prompt: [],
  maxAgeSeconds: undefined,
  acrValues: [],
  loginHint: undefined,
  uiLocales: [],
}

const owned = { issuer, clientId: 'client-1' }
const authenticated = { authTime: start, acr: 'urn:acr:password', amr: ['pwd'] }

export const pushedRequest = (): PushedRequestRecord => ({
  ...owned,
  hash: newHash(),
  request,
  txn: 'txn-1',
  issuedAt: start,
  expiresAt: later(90),
})

export const interaction = (): InteractionRecord => ({
  ...owned,
  hash: newHash(),
  browserHash: newHash(),
  request,
  pushedHash: undefined,
  txn: 'txn-1',
  sessionHash: undefined,
  version: 1,
  issuedAt: start,
  expiresAt: later(600),
})

export const session = (): SessionRecord => ({
  ...authenticated,
  hash: newHash(),
  issuer,
  sid: 'sid-1',
  subject: 'user:1',
  issuedAt: start,
  idleExpiresAt: later(1800),
  expiresAt: later(36_000),
})

export const logoutNotice = (): LogoutNoticeRecord => ({
  ...owned,
  id: newHash(),
  subject: 'user:1',
  sid: 'sid-1',
  requestId: 'request-1',
  version: 0,
  failures: 0,
  dueAt: start,
  issuedAt: start,
  expiresAt: later(86_400),
})

const authorizationDetails = [
  { type: 'payment', amount: { currency: 'EUR', amount: '1.50' }, to: ['Ö', 7, true] },
]

export const grant = (): GrantRecord => ({
  authorizationDetails,
  ...owned,
  ...authenticated,
  id: newHash(),
  subject: 'user:1',
  scopes: ['openid'],
  resources: [],
  sid: 'sid-1',
  txn: 'txn-1',
  issuedAt: start,
  expiresAt: later(86_400),
})

export const code = (): CodeRecord => ({
  ...owned,
  hash: newHash(),
  grantId: 'grant-1',
  redirectUri: request.redirectUri,
  redirectUriSent: true,
  codeChallenge: request.codeChallenge,
  dpopJkt: undefined,
  nonce: 'n',
  issuedAt: start,
  expiresAt: later(60),
})

export const deviceCode = (): DeviceCodeRecord => ({
  authorizationDetails,
  ...owned,
  hash: newHash(),
  userCodeHash: newHash(),
  scopes: ['openid'],
  resources: ['https://api.example'],
  binding: undefined,
  intervalSeconds: 5,
  source: '192.0.2.0/24',
  txn: 'txn-1',
  issuedAt: start,
  expiresAt: later(600),
})

export const backchannelRequest = (): BackchannelRequestRecord => ({
  ...owned,
  hash: newHash(),
  subject: 'user:1',
  scopes: ['openid'],
  resources: ['https://api.example'],
  bindingMessage: 'W4SCT – 10 €',
  promptKey: newHash(),
  sealedPing: undefined,
  binding: undefined,
  intervalSeconds: 5,
  txn: 'txn-1',
  issuedAt: start,
  expiresAt: later(300),
})

export const approval = (): ApprovalRecord => {
  const key = newHash()
  return {
    key,
    name: `a-${key}`,
    issuer,
    content: {
      moment: 'mint',
      clientId: `client of ${key}`,
      subject: 'user:1',
      scopes: ['payments'],
      resources: ['https://api.example'],
      authorizationDetails: [],
      groups: ['treasury', 'legal'],
      seconds: 900,
      isReusable: false,
    },
    given: [],
    txn: 'txn-1',
    issuedAt: start,
    expiresAt: later(86_400),
  }
}

export const rememberedConsent = (): RememberedConsentRecord => ({
  ...owned,
  key: newHash(),
  subject: 'user:1',
  grantId: 'grant-1',
  scopes: ['openid'],
  resources: [],
  seen: { client: 'c', scopes: { openid: 's' }, details: 'd', claims: 'n' },
  issuedAt: start,
  expiresAt: later(86_400),
})

export const ping = (): PingRecord => ({
  ...owned,
  id: newHash(),
  subject: 'user:1',
  txn: 'txn-1',
  requestHash: newHash(),
  sealedPing: 'sealed',
  requestId: 'request-1',
  version: 0,
  failures: 0,
  dueAt: start,
  issuedAt: start,
  expiresAt: later(600),
})

export const initialAccessToken = (uses = 1): InitialAccessTokenRecord => ({
  hash: newHash(),
  id: 'token-1',
  issuer,
  uses,
  policy: {
    profile: 'fapi2-security',
    scopes: ['openid'],
    grantTypes: ['authorization_code'],
    resources: ['bank'],
    redirectHosts: ['client.example'],
    softwareStatement: 'optional',
  },
  note: 'für Zoë',
  issuedAt: start,
  expiresAt: later(3600),
})

export const accessToken = (): AccessTokenRecord => ({
  authorizationDetails,
  ...owned,
  ...authenticated,
  hash: newHash(),
  grantId: 'grant-1',
  subject: 'user:1',
  scopes: ['openid'],
  audience: ['https://api.example'],
  binding: { jkt: 'j'.repeat(43) },
  jti: 'jti-1',
  txn: 'txn-1',
  issuedAt: start,
  expiresAt: later(300),
})

export const statusEntry = (): StatusEntryRecord => ({
  issuer,
  list: newHash().replaceAll('.', '').padStart(28, '-').slice(-28),
  index: 7,
  alg: 'ES256',
  tokenHash: newHash(),
  clientId: 'client-1',
  subject: 'user:1',
  grantId: undefined,
  said: { audience: ['https://api.example'], scopes: ['openid'] },
  expiresAt: later(300),
})

export const refreshToken = (): RefreshTokenRecord => ({
  ...owned,
  hash: newHash(),
  grantId: 'grant-1',
  scopes: ['openid'],
  resources: [],
  binding: {},
  issuedAt: start,
  idleExpiresAt: later(3600),
  expiresAt: later(86_400),
})

export const user = (subject: string, username: string): UserRecord => ({
  issuer,
  subject,
  username,
  passwordHash: '$argon2id$',
  status: 'active',
  claims: { name: 'Zoë "the tester" \u2603', email_verified: true, address: { country: 'NL' } },
})

export const passkey = (subject = 'user:1'): PasskeyRecord => ({
  kind: 'passkey',
  id: newHash(),
  issuer,
  subject,
  credentialId: 'Y3JlZA',
  publicKey: 'a2V5',
  transports: ['internal'],
  name: 'My phone ☃',
  createdAt: start,
})

export const totp = (subject = 'user:1'): TotpRecord => ({
  kind: 'totp',
  id: newHash(),
  issuer,
  subject,
  sealed: 'c2VhbGVk',
  createdAt: start,
})

export const key = (id: string): KeyRecord => ({
  issuer,
  id,
  use: 'sig',
  alg: 'ES256',
  sealed: Buffer.from([0, 1, 2, 254, 255]),
  createdAt: start,
  activeAt: later(600),
  removedAt: undefined,
  revokedAt: undefined,
  withdrawnAt: undefined,
})

export const sighting = (owner: string, item: string, what: SightingRecord['what'] = 'device') =>
  ({
    issuer,
    owner,
    what,
    item,
    isConfirmed: false,
    seenAt: start,
    expiresAt: later(900),
  }) satisfies SightingRecord

export const verifier = (instance: string): VerifierRecord => ({
  issuer,
  clientId: 'client-1',
  instance,
  keys: ['a', 'b'],
  since: start,
  seenAt: start,
  verified: ['a'],
  unverified: ['b'],
  expiresAt: later(180),
})

export const auditRecord = (requestId: string, txn?: string): AuditRecord => ({
  at: start,
  issuer,
  event: 'token.issued',
  outcome: 'accepted',
  requestId,
  ...(txn === undefined ? {} : { txn }),
  clientId: 'client-1',
  facts: { scopes: ['openid'], bound: true, count: 2, grantType: 'authorization_code' },
})

export const audit = (requestId: string, txn?: string): Write => ({
  kind: 'append-audit',
  record: auditRecord(requestId, txn),
})

export const jti = (
  key: HandleHash,
  issuedAt: EpochSeconds = start,
  expiresAt: EpochSeconds = later(60),
  what: ReplayNamespace = 'dpop-proof',
): Write => ({
  kind: 'remember-jti',
  what,
  key,
  issuedAt,
  expiresAt,
})
