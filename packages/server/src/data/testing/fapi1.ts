import { fapi1Advanced } from '@holdfast/protocol/profiles/fapi1-advanced.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { parRoom } from '../par/room.ts'
import { type Browser, header, locationOf } from './browser.ts'
import { newPeerCertificate } from './certificates.ts'
import { type ClientSpec, clientOf } from './clients.ts'
import { redeem, requestToken, textOf } from './flow.ts'
import { type RequestObjectOptions, requestObject } from './request-objects.ts'
import { type FormFields, issuerUrl, type World } from './world.ts'

/** A FAPI 1.0 Advanced client: `private_key_jwt`, tokens bound to its certificate, both response types. */
export function fapi1Client(spec: Partial<ClientSpec> = {}): Client {
  return clientOf({
    clientId: 'c_fapi1',
    ownProfile: fapi1Advanced,
    responseTypes: ['code', 'code id_token'],
    dpopBoundAccessTokens: false,
    tlsClientCertificateBoundAccessTokens: true,
    requirePushedAuthorizationRequests: false,
    ...spec,
  })
}

export const fapi1Certificate = await newPeerCertificate({ subject: 'CN=fapi1' })

/** A signed request for `code id_token` with the default mode, spoiled as asked. */
export function hybridObject(world: World, options: RequestObjectOptions = {}): string {
  const { clientId = 'c_fapi1', claims = {} } = options
  const asked = { response_type: 'code id_token', response_mode: undefined, ...claims }
  return requestObject(world, { ...options, clientId, claims: asked })
}

/** The authorize URL with the request by value, and what a client repeats outside of it (OpenID Connect Core 6.1). */
export function byValue(request: string, outside: Record<string, string> = {}): string {
  const repeated = { client_id: 'c_fapi1', response_type: 'code id_token', scope: 'openid accounts' }
  return `${issuerUrl}/authorize?${new URLSearchParams({ ...repeated, request, ...outside })}`
}

export function pushObject(world: World, request: string, outside: FormFields = {}): Promise<Reply> {
  const { client_id: clientId = 'c_fapi1', ...rest } = outside
  return world.send(parRoom, '/par', { form: { ...world.assertion(String(clientId)), request, ...rest } })
}

export function byReference(pushed: Reply, clientId = 'c_fapi1'): string {
  const query = new URLSearchParams({ client_id: clientId, request_uri: textOf(pushed, 'request_uri') })
  return `${issuerUrl}/authorize?${query}`
}

/** Opens a URL as Alice, and answers consent. */
export async function answered(browser: Browser, url: string, decision: 'allow' | 'deny'): Promise<Reply> {
  const opened = await browser.get(url)
  const start = locationOf(opened).href
  if (!start.includes('/interaction/')) throw new TypeError(`no interaction: ${opened.status} ${opened.body}`)
  if (start.endsWith('/consent')) return await browser.decide(start, decision)
  const consent = await browser.login(start)
  return await browser.decide(header(consent, 'location') ?? '', decision)
}

/** Parameters after `#`. */
export function fragmentOf(reply: Reply): URLSearchParams {
  return new URLSearchParams(locationOf(reply).hash.slice(1))
}

export function redeemBound(world: World, code: string, spoil: FormFields = {}): Promise<Reply> {
  return redeem(world, 'c_fapi1', code, { proofKey: 'none', certificate: fapi1Certificate, spoil })
}

export function refreshBound(world: World, refreshToken: string): Promise<Reply> {
  const fields = { grant_type: 'refresh_token', refresh_token: refreshToken }
  return requestToken(world, 'c_fapi1', fields, { proofKey: 'none', certificate: fapi1Certificate })
}
