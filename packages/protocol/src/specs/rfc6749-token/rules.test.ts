import { epochSeconds } from '../../brand.ts'
import {
  type ClientCredentialsInput,
  clientCredentialsRules,
  type GrantTypeInput,
  grantTypeRules,
  type RedemptionInput,
  type RefreshInput,
  redemptionRules,
  refreshRules,
} from './rules.ts'
import { both } from './testing/judged.ts'

const asked: GrantTypeInput = {
  grantType: 'authorization_code',
  supported: ['authorization_code', 'refresh_token'],
  registered: ['authorization_code'],
}

both(
  'a grant type',
  grantTypeRules,
  [{ name: 'supported and registered', input: asked }],
  [
    {
      name: 'missing',
      input: { ...asked, grantType: undefined },
      ruleId: 'grant-type.present',
      error: 'invalid_request',
    },
    {
      name: 'password',
      input: { ...asked, grantType: 'password' },
      ruleId: 'grant-type.supported',
      error: 'unsupported_grant_type',
    },
    {
      name: 'supported but not registered',
      input: { ...asked, grantType: 'refresh_token' },
      ruleId: 'grant-type.registered',
      error: 'unauthorized_client',
    },
  ],
)

const now = epochSeconds(1_800_000_000)
const live = {
  isFound: true,
  isRevoked: false,
  expiresAt: epochSeconds(now + 1),
  isUserActive: true,
} as const
const code = {
  clientId: 'c_1',
  redirectUri: 'https://client.example/cb',
  dpopJkt: undefined,
  expiresAt: epochSeconds(now + 1),
  isSpent: false,
  isRevoked: false,
} as const
const redemption: RedemptionInput = {
  now,
  clientId: 'c_1',
  redirectUri: 'https://client.example/cb',
  sender: { jkt: 'key' },
  code,
  grant: live,
}
const grantError = { error: 'invalid_grant' } as const

both(
  'a redemption',
  redemptionRules,
  [
    { name: 'in the last second of code and grant', input: redemption },
    { name: 'without redirect_uri', input: { ...redemption, redirectUri: undefined } },
    { name: 'with the key of the code', input: { ...redemption, code: { ...code, dpopJkt: 'key' } } },
  ],
  [
    { name: 'no code', input: { ...redemption, code: undefined }, ruleId: 'code.known', ...grantError },
    {
      name: 'another client, even when it is spent',
      input: { ...redemption, clientId: 'c_2', code: { ...code, isSpent: true } },
      ruleId: 'code.client',
      ...grantError,
    },
    {
      name: 'spent, even when it has expired',
      input: { ...redemption, code: { ...code, isSpent: true, expiresAt: now } },
      ruleId: 'code.spent',
      ...grantError,
    },
    {
      name: 'in the second it expires',
      input: { ...redemption, code: { ...code, expiresAt: now } },
      ruleId: 'code.expired',
      ...grantError,
    },
    {
      name: 'revoked',
      input: { ...redemption, code: { ...code, isRevoked: true } },
      ruleId: 'code.expired',
      ...grantError,
    },
    {
      name: 'a redirect_uri with a slash more',
      input: { ...redemption, redirectUri: 'https://client.example/cb/' },
      ruleId: 'code.redirect-uri',
      ...grantError,
    },
    {
      name: 'another key',
      input: { ...redemption, code: { ...code, dpopJkt: 'other' } },
      ruleId: 'code.dpop-key',
      ...grantError,
    },
    {
      name: 'no key for a bound code',
      input: { ...redemption, sender: {}, code: { ...code, dpopJkt: 'key' } },
      ruleId: 'code.dpop-key',
      ...grantError,
    },
    {
      name: 'a grant in the second it expires',
      input: { ...redemption, grant: { ...live, expiresAt: now } },
      ruleId: 'code.grant-live',
      ...grantError,
    },
    {
      name: 'a revoked grant',
      input: { ...redemption, grant: { ...live, isRevoked: true } },
      ruleId: 'code.grant-live',
      ...grantError,
    },
    {
      name: 'no grant',
      input: { ...redemption, grant: { ...live, isFound: false } },
      ruleId: 'code.grant-live',
      ...grantError,
    },
    {
      name: 'a disabled user',
      input: { ...redemption, grant: { ...live, isUserActive: false } },
      ruleId: 'code.grant-live',
      ...grantError,
    },
  ],
)

const token = {
  clientId: 'c_1',
  scopes: ['a', 'b'],
  binding: { jkt: 'key' },
  idleExpiresAt: epochSeconds(now + 1),
  expiresAt: epochSeconds(now + 1),
  isSpent: false,
  isRevoked: false,
  retiredAt: undefined,
} as const
const refresh: RefreshInput = {
  now,
  clientId: 'c_1',
  isPublic: true,
  sender: { jkt: 'key' },
  scopes: undefined,
  graceSeconds: 60,
  token,
  grant: live,
}

both(
  'a refresh',
  refreshRules,
  [
    { name: 'by a public client with its key', input: refresh },
    {
      name: 'by a confidential client with a new key',
      input: { ...refresh, isPublic: false, sender: { jkt: 'new' } },
    },
    { name: 'with fewer scopes', input: { ...refresh, scopes: ['b'] } },
    {
      name: 'in the last second of grace',
      input: { ...refresh, token: { ...token, retiredAt: epochSeconds(now - 59) } },
    },
    {
      name: 'of an unbound token',
      input: { ...refresh, sender: {}, token: { ...token, binding: {} } },
    },
  ],
  [
    { name: 'unknown', input: { ...refresh, token: undefined }, ruleId: 'refresh.known', ...grantError },
    {
      name: 'another client, even when it is spent',
      input: { ...refresh, clientId: 'c_2', token: { ...token, isSpent: true } },
      ruleId: 'refresh.client',
      ...grantError,
    },
    {
      name: 'rotated before, even with another key',
      input: { ...refresh, sender: { jkt: 'thief' }, token: { ...token, isSpent: true } },
      ruleId: 'refresh.reused',
      ...grantError,
    },
    {
      name: 'revoked',
      input: { ...refresh, token: { ...token, isRevoked: true } },
      ruleId: 'refresh.expired',
      ...grantError,
    },
    {
      name: 'idle too long by a second',
      input: { ...refresh, token: { ...token, idleExpiresAt: now } },
      ruleId: 'refresh.expired',
      ...grantError,
    },
    {
      name: 'too old by a second',
      input: { ...refresh, token: { ...token, expiresAt: now } },
      ruleId: 'refresh.expired',
      ...grantError,
    },
    {
      name: 'in the second its grace is over',
      input: { ...refresh, token: { ...token, retiredAt: epochSeconds(now - 60) } },
      ruleId: 'refresh.retired',
      ...grantError,
    },
    {
      name: 'a public client with another key',
      input: { ...refresh, sender: { jkt: 'new' } },
      ruleId: 'refresh.key',
      ...grantError,
    },
    {
      name: 'a public client with another certificate',
      input: { ...refresh, sender: { x5tS256: 'new' }, token: { ...token, binding: { x5tS256: 'old' } } },
      ruleId: 'refresh.key',
      ...grantError,
    },
    {
      name: 'a confidential client that proves nothing any more',
      input: { ...refresh, isPublic: false, sender: {} },
      ruleId: 'refresh.binding-kept',
      ...grantError,
    },
    {
      name: 'a certificate where there was a key',
      input: { ...refresh, isPublic: false, sender: { x5tS256: 'certificate' } },
      ruleId: 'refresh.binding-kept',
      ...grantError,
    },
    {
      name: 'a revoked grant',
      input: { ...refresh, grant: { ...live, isRevoked: true } },
      ruleId: 'refresh.grant-live',
      ...grantError,
    },
    {
      name: 'one scope more',
      input: { ...refresh, scopes: ['a', 'b', 'c'] },
      ruleId: 'refresh.scope',
      error: 'invalid_scope',
    },
  ],
)

const own: ClientCredentialsInput = { isPublic: false, scopes: ['a'], allowedScopes: ['a', 'openid'] }

both(
  'client credentials',
  clientCredentialsRules,
  [
    { name: 'a registered scope', input: own },
    { name: 'no scope', input: { ...own, scopes: undefined } },
  ],
  [
    {
      name: 'a public client',
      input: { ...own, isPublic: true },
      ruleId: 'client-credentials.confidential',
      error: 'unauthorized_client',
    },
    {
      name: 'openid, although registered',
      input: { ...own, scopes: ['a', 'openid'] },
      ruleId: 'client-credentials.openid',
      error: 'invalid_scope',
    },
    {
      name: 'a scope nobody gave the client',
      input: { ...own, scopes: ['a', 'b'] },
      ruleId: 'client-credentials.scope',
      error: 'invalid_scope',
    },
  ],
)
