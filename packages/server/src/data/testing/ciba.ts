import { fapiCiba } from '@holdfast/protocol/profiles/fapi-ciba.ts'
import { cibaGrantType } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { backchannelAuthenticationRoom } from '../ciba/authentication-room.ts'
import { actionOf, type Browser, fieldOf, header, openBrowser } from './browser.ts'
import { accounts, type ClientSpec, clientOf, keys } from './clients.ts'
import { currentNonce, identityOf, requestToken, type TokenRequestOptions, textOf } from './flow.ts'
import { compactJws, type TestKey } from './jws.ts'
import { type FormFields, issuerUrl, type World } from './world.ts'

/** A client of the CIBA grant that polls, under FAPI 2.0 unless said otherwise. */
export const cibaClient = (spec: Partial<ClientSpec> = {}): Client =>
  clientOf({
    clientId: 'c_pos',
    redirectUris: [],
    grantTypes: [cibaGrantType, 'refresh_token'],
    backchannelTokenDeliveryMode: 'poll',
    ...spec,
  })

/** One under FAPI-CIBA, which signs its requests. */
export const signingCibaClient = (spec: Partial<ClientSpec> = {}): Client =>
  cibaClient({ ownProfile: fapiCiba, backchannelAuthenticationRequestSigningAlg: 'ES256', ...spec })

export const notificationToken = 'n'.repeat(43)

/** A client that is pinged. */
export const pingedClient = (spec: Partial<ClientSpec> = {}): Client =>
  cibaClient({
    backchannelTokenDeliveryMode: 'ping',
    backchannelClientNotificationEndpoint: 'https://pos.example/ping',
    ...spec,
  })

export const goodCibaRequest: Readonly<Record<string, string>> = {
  scope: 'openid accounts',
  resource: accounts,
  login_hint: 'alice',
  binding_message: 'W4SCT',
}

/** A good authentication request; with a proof when `proofKey` is given. */
export function askCiba(
  world: World,
  fields: FormFields = {},
  options: TokenRequestOptions & { readonly clientId?: string } = {},
): Promise<Reply> {
  return sendCiba(world, { ...goodCibaRequest, ...fields }, options)
}

/** Nothing but client authentication and these fields. */
export function sendCiba(
  world: World,
  fields: FormFields,
  options: TokenRequestOptions & { readonly clientId?: string } = {},
): Promise<Reply> {
  const { clientId = 'c_pos', proofKey = 'none', headers = [], ...rest } = options
  const path = '/bc-authorize'
  const identity = identityOf(world, clientId, options)
  const claims = rest.certificate === undefined ? {} : { htu: `${world.issuer.mtlsUrl}${path}` }
  const proof =
    proofKey === 'none'
      ? []
      : [['dpop', world.proof(path, { key: proofKey, nonce: currentNonce(world), claims })] as const]
  return world.send(backchannelAuthenticationRoom, path, {
    form: { ...identity.form, ...fields },
    headers: [...identity.headers, ...proof, ...headers],
    ...rest,
  })
}

export interface SignedCibaOptions {
  readonly clientId?: string
  readonly key?: TestKey
  readonly header?: Readonly<Record<string, unknown>>
  /** Claims to change; undefined removes one. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** A good signed authentication request, spoiled as asked. */
export function signedCiba(world: World, options: SignedCibaOptions = {}): string {
  const { clientId = 'c_pos', key = keys.bank, header = {}, claims = {} } = options
  const now = world.clock.now()
  return compactJws(
    { alg: key.alg, kid: key.kid, ...header },
    {
      ...goodCibaRequest,
      iss: clientId,
      aud: issuerUrl,
      iat: now,
      nbf: now,
      exp: now + 300,
      jti: world.ports.entropy.bytes(16).toString('base64url'),
      ...claims,
    },
    key,
  )
}

export function pollCiba(
  world: World,
  authReqId: string,
  options: TokenRequestOptions = { proofKey: keys.proof },
  clientId = 'c_pos',
): Promise<Reply> {
  return requestToken(world, clientId, { grant_type: cibaGrantType, auth_req_id: authReqId }, options)
}

/** Opens the page of what waits for a user. @returns where it leads */
export async function openApprovals(browser: Browser): Promise<Reply> {
  const page = await browser.get('/ciba')
  return await browser.post(actionOf(page), { csrf: fieldOf(page, 'csrf') })
}

/** A browser on the page of what waits for its user, who signed in for it. */
export async function atApprovals(
  world: World,
  browser: Browser = openBrowser(world),
): Promise<readonly [Browser, Reply]> {
  let reply = await openApprovals(browser)
  for (let step = 0; step < 6 && reply.status === 303; step++) {
    const next = header(reply, 'location') ?? ''
    reply = next.endsWith('/login') ? await browser.login(next) : await browser.get(next)
  }
  return [browser, reply]
}

/** Answers the first request that the page shows. */
export function answerShown(
  browser: Browser,
  page: Reply,
  decision: 'allow' | 'deny' = 'allow',
  spoil: FormFields = {},
): Promise<Reply> {
  const hidden = {
    csrf: fieldOf(page, 'csrf'),
    request: fieldOf(page, 'request'),
    shown: fieldOf(page, 'shown'),
  }
  return browser.post(actionOf(page), { ...hidden, decision, ...spoil })
}

/** An `auth_req_id` that Alice has allowed, asked for by a signed request when `isSigned`. */
export async function allowedCiba(
  world: World,
  fields: FormFields = {},
  {
    isSigned = false,
    ...options
  }: TokenRequestOptions & { readonly clientId?: string; readonly isSigned?: boolean } = {},
): Promise<string> {
  const { clientId = 'c_pos' } = options
  const asked = isSigned
    ? await sendCiba(world, { request: signedCiba(world, { clientId, claims: fields }) }, options)
    : await askCiba(world, fields, options)
  const authReqId = textOf(asked, 'auth_req_id')
  const [browser, page] = await atApprovals(world)
  await answerShown(browser, page)
  return authReqId
}
