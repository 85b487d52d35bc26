import { SignJWT } from 'jose'
import type { Product } from '../product/product.ts'
import type { UserAgent } from '../product/user-agent.ts'
import { type Answer, newJti, type ProofKey, type RawClient } from './raw-client.ts'

/** Where a race is run. */
export interface Track {
  readonly product: Omit<Product, 'close'>
  readonly client: RawClient
  readonly browser: UserAgent
  readonly key: ProofKey
}

/** One one-time value, and what sends it again and again. */
export interface Race {
  /** Of the request that is raced: every grant of the product has one at least. */
  readonly grantType: string
  /** What a loser is told. */
  readonly loses: string
  /**
   * Whether who presents the value a second time ends what it bought. Such a value may die without a winner, when a
   * loser's revocation comes first; every other one has exactly one winner, whose token lives.
   */
  readonly replayRevokes: boolean
  /** Makes the value; the answer spends it once, at the node of this turn. */
  readonly prepare: (track: Track) => Promise<(turn: number) => Promise<Answer>>
}

const prefix = 'urn:ietf:params:oauth'
const jwtBearer = `${prefix}:grant-type:jwt-bearer`
export const deviceGrant = `${prefix}:grant-type:device_code`
const tokenExchange = `${prefix}:grant-type:token-exchange`
export const cibaGrant = 'urn:openid:params:grant-type:ciba'
const credentials = { grant_type: 'client_credentials', scope: 'accounts' }

export type RaceName =
  | 'code'
  | 'code that adds to a grant'
  | 'refresh token'
  | 'client assertion'
  | 'DPoP proof'
  | 'device code'
  | 'auth_req_id'
  | 'JWT bearer assertion'
  | 'DPoP proof of an exchange'

export const races: Readonly<Record<RaceName, Race>> = {
  code: {
    grantType: 'authorization_code',
    loses: 'invalid_grant',
    replayRevokes: true,
    prepare: async ({ product, client, browser, key }) => {
      const who = product.clients['private_key_jwt with DPoP']
      const code = await client.code(product, who, browser)
      return turn => client.token(who, key, code, turn)
    },
  },
  'code that adds to a grant': {
    grantType: 'authorization_code',
    loses: 'invalid_grant',
    replayRevokes: true,
    prepare: async ({ product, client, browser, key }) => {
      const who = product.clients['private_key_jwt with DPoP']
      const create = { grant_management_action: 'create' }
      const created = await client.token(who, key, await client.code(product, who, browser, create))
      const merge = { grant_management_action: 'merge', grant_id: String(created.json.grant_id) }
      const code = await client.code(product, who, browser, { ...merge, scope: 'openid profile accounts' })
      return turn => client.token(who, key, code, turn)
    },
  },
  'refresh token': {
    grantType: 'refresh_token',
    loses: 'invalid_grant',
    replayRevokes: true,
    prepare: async ({ product, client, browser, key }) => {
      const who = product.clients['public with DPoP']
      const first = await client.token(who, key, await client.code(product, who, browser))
      const refresh = { grant_type: 'refresh_token', refresh_token: String(first.json.refresh_token) }
      return turn => client.token(who, key, refresh, turn)
    },
  },
  'client assertion': {
    grantType: 'client_credentials',
    loses: 'invalid_client',
    replayRevokes: false,
    prepare: async ({ product, client, key }) => {
      const form = {
        ...credentials,
        ...(await client.assertion(product.clients['private_key_jwt with DPoP'])),
      }
      return async turn => client.post('/token', form, await client.proof(key, '/token'), turn)
    },
  },
  'DPoP proof': {
    grantType: 'client_credentials',
    loses: 'invalid_dpop_proof',
    replayRevokes: false,
    prepare: async ({ product, client, key }) => {
      const who = product.clients['private_key_jwt with DPoP']
      const proof = await client.proof(key, '/token')
      return async turn =>
        client.post('/token', { ...credentials, ...(await client.assertion(who)) }, proof, turn)
    },
  },
  'device code': {
    grantType: deviceGrant,
    loses: 'invalid_grant',
    replayRevokes: false,
    prepare: async track => {
      const { client, key, product } = track
      const form = { grant_type: deviceGrant, device_code: await allowedDeviceCode(track) }
      return turn => client.token(product.device, key, form, turn)
    },
  },
  auth_req_id: {
    grantType: cibaGrant,
    loses: 'invalid_grant',
    replayRevokes: false,
    prepare: async track => {
      const { client, key, product } = track
      const form = { grant_type: cibaGrant, auth_req_id: await allowedAuthReqId(track) }
      return turn => client.token(product.pointOfSale, key, form, turn)
    },
  },
  'JWT bearer assertion': {
    grantType: jwtBearer,
    loses: 'invalid_grant',
    replayRevokes: false,
    prepare: async ({ product, client, key }) => {
      const form = {
        grant_type: jwtBearer,
        assertion: await trustedWord(product),
        resource: product.audience,
      }
      return turn => client.token(product.partner, key, form, turn)
    },
  },
  'DPoP proof of an exchange': {
    grantType: tokenExchange,
    loses: 'invalid_dpop_proof',
    replayRevokes: false,
    prepare: async ({ product, client, browser, key }) => {
      const who = product.clients['private_key_jwt with DPoP']
      const first = await client.token(who, key, await client.code(product, who, browser))
      const form = {
        grant_type: tokenExchange,
        subject_token: String(first.json.access_token),
        subject_token_type: `${prefix}:token-type:access_token`,
        resource: product.audience,
      }
      const proof = await client.proof(key, '/token')
      return async turn =>
        client.post('/token', { ...form, ...(await client.assertion(product.introspector)) }, proof, turn)
    },
  },
}

/** A device code whose user has allowed it. */
export async function allowedDeviceCode({ product, client, browser }: Track): Promise<string> {
  const asked = await client.post('/device_authorization', {
    ...(await client.assertion(product.device)),
    scope: 'accounts offline_access',
    resource: product.audience,
  })
  if (asked.status !== 200) throw new Error(`a device was answered ${JSON.stringify(asked)}`)
  await browser.connectDevice(new URL(String(asked.json.verification_uri_complete)), product.user)
  return String(asked.json.device_code)
}

/** An `auth_req_id` whose user has allowed it. */
export async function allowedAuthReqId({ product, client, browser }: Track): Promise<string> {
  const asked = await client.post('/bc-authorize', {
    ...(await client.assertion(product.pointOfSale)),
    scope: 'openid accounts offline_access',
    resource: product.audience,
    login_hint: product.user.username,
    binding_message: 'W4SCT',
  })
  if (asked.status !== 200) throw new Error(`a point of sale was answered ${JSON.stringify(asked)}`)
  await browser.answerWaiting(new URL('/ciba', product.issuer), { ...product.user, consent: 'allow' })
  return String(asked.json.auth_req_id)
}

/** What the trusted issuer says of the one user. */
function trustedWord({ issuer, trustedIssuer, user }: Track['product']): Promise<string> {
  return new SignJWT({ jti: newJti() })
    .setProtectedHeader({ alg: 'ES256', kid: trustedIssuer.kid, typ: 'JWT' })
    .setIssuer(trustedIssuer.issuer)
    .setSubject(user.username)
    .setAudience(issuer.origin)
    .setIssuedAt()
    .setExpirationTime('2m')
    .sign(trustedIssuer.key)
}
