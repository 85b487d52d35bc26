import { oauth21 } from '@holdfast/protocol/profiles/oauth21.ts'
import { deviceGrantType } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import type { Reply } from '../../http/exchange.ts'
import { deviceAuthorizationRoom } from '../device/authorization-room.ts'
import { type Browser, fieldOf, header, openBrowser } from './browser.ts'
import { accounts, type ClientSpec, clientOf, keys } from './clients.ts'
import { currentNonce, identityOf, requestToken, type TokenRequestOptions, textOf } from './flow.ts'
import type { FormFields, World } from './world.ts'

export const deviceClient = (spec: Partial<ClientSpec> = {}): ReturnType<typeof clientOf> =>
  clientOf({
    clientId: 'c_tv',
    ownProfile: oauth21,
    redirectUris: [],
    grantTypes: [deviceGrantType, 'refresh_token'],
    ...spec,
  })

/** A good device authorization request; with a proof when `proofKey` is given. */
export function requestDevice(
  world: World,
  clientId = 'c_tv',
  fields: FormFields = {},
  options: TokenRequestOptions = {},
): Promise<Reply> {
  const { proofKey = 'none', headers = [], ...rest } = options
  const path = '/device_authorization'
  const identity = identityOf(world, clientId, options)
  const claims = rest.certificate === undefined ? {} : { htu: `${world.issuer.mtlsUrl}${path}` }
  const proof =
    proofKey === 'none'
      ? []
      : [['dpop', world.proof(path, { key: proofKey, nonce: currentNonce(world), claims })] as const]
  return world.send(deviceAuthorizationRoom, path, {
    form: { ...identity.form, scope: 'openid accounts', resource: accounts, ...fields },
    headers: [...identity.headers, ...proof, ...headers],
    ...rest,
  })
}

export function pollDevice(
  world: World,
  deviceCode: string,
  options: TokenRequestOptions = { proofKey: keys.proof },
  clientId = 'c_tv',
): Promise<Reply> {
  return requestToken(world, clientId, { grant_type: deviceGrantType, device_code: deviceCode }, options)
}

/** Types the code on the page of a browser. */
export async function typeCode(browser: Browser, userCode: string): Promise<Reply> {
  const shown = await browser.get('/device')
  return browser.post('/device', { csrf: fieldOf(shown, 'csrf'), user_code: userCode })
}

/** A browser that typed the code and said that the device is its user's. */
export async function atLogin(world: World, userCode: string): Promise<readonly [Browser, string]> {
  const browser = openBrowser(world)
  const confirmUrl = header(await typeCode(browser, userCode), 'location') ?? ''
  const page = await browser.get(confirmUrl)
  const next = await browser.post(confirmUrl, { csrf: fieldOf(page, 'csrf'), decision: 'continue' })
  return [browser, header(next, 'location') ?? '']
}

/** Alice allows, or denies, what the device asked for. */
export async function answerDevice(
  world: World,
  userCode: string,
  decision: 'allow' | 'deny' = 'allow',
): Promise<Reply> {
  const [browser, login] = await atLogin(world, userCode)
  const consentUrl = header(await browser.login(login), 'location') ?? ''
  return browser.decide(consentUrl, decision)
}

/** A device code that Alice has allowed. */
export async function allowedDevice(
  world: World,
  clientId = 'c_tv',
  fields: FormFields = {},
  options: TokenRequestOptions = {},
): Promise<string> {
  const asked = await requestDevice(world, clientId, fields, options)
  await answerDevice(world, textOf(asked, 'user_code'))
  return textOf(asked, 'device_code')
}
