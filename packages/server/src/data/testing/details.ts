import { tokenExchangeGrantType } from '@holdfast/protocol/specs/rfc8693-token-exchange/rules.ts'
import { payment, paymentType, readingType } from '@holdfast/protocol/specs/rfc9396-rar/sample-types.ts'
import type { Reply } from '../../http/exchange.ts'
import type { AuthorizationDetailsType, Client } from '../../snapshot/snapshot.ts'
import { introspectRoom } from '../introspect/room.ts'
import { type Browser, header, locationOf, openBrowser, type PushOptions, pushedUrl } from './browser.ts'
import { accounts, type ClientSpec, clientOf, keys, payments } from './clients.ts'
import { jsonOf, redeem, type TokenRequestOptions } from './flow.ts'
import { type FormFields, openWorld, type World, type WorldOptions } from './world.ts'

/** One type for each resource server of the world. */
export const detailTypes: readonly AuthorizationDetailsType[] = [
  { ...paymentType, audience: payments, profile: undefined },
  { ...readingType, audience: accounts, profile: undefined },
]

export const reading = { type: 'account_reading', actions: ['list', 'read'], limit: 100 } as const

/** `payment` with another amount, and whatever else. */
export function paymentOf(amount: string, more: object = {}): typeof payment {
  return { ...payment, instructedAmount: { currency: 'EUR', amount }, ...more } as typeof payment
}

/** A FAPI 2.0 client that may ask for both types. */
export function payingClient(spec: Partial<ClientSpec> = {}): Client {
  return clientOf({
    clientId: 'c_pay',
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials', tokenExchangeGrantType],
    authorizationDetailsTypes: detailTypes.map(({ name }) => name),
    ...spec,
  })
}

/** Resource servers that introspect: `c_rs` accounts, `c_rs_payments` payments. */
const introspecting = (['c_rs', 'c_rs_payments'] as const).map(clientId =>
  clientOf({
    clientId,
    jwks: { keys: [keys.resourceServer.publicJwk] },
    dpopBoundAccessTokens: false,
    ...{ grantTypes: [], scopes: [], resources: [] },
    introspects: [clientId === 'c_rs' ? accounts : payments],
  }),
)

export function openPayingWorld({ clients = [], ...options }: WorldOptions = {}): Promise<World> {
  return openWorld({ detailTypes, clients: [payingClient(), ...introspecting, ...clients], ...options })
}

/** Form parameters with these details. */
export function asking(...details: readonly object[]): FormFields {
  return { authorization_details: JSON.stringify(details) }
}

/** Pushes, signs Alice in, and stops where the consent page is. */
export async function atConsent(
  world: World,
  spoil: FormFields,
  options: Omit<PushOptions, 'spoil'> = {},
): Promise<readonly [Browser, string]> {
  const browser = openBrowser(world)
  const opened = await browser.get(await pushedUrl(world, { clientId: 'c_pay', ...options, spoil }))
  const consent = await browser.login(opened)
  return [browser, header(consent, 'location') ?? '']
}

/** The whole way: push, sign in, allow, redeem. */
export async function allowedTokens(
  world: World,
  spoil: FormFields,
  atToken: FormFields = {},
  options: TokenRequestOptions & { readonly clientId?: string } = {},
): Promise<Reply> {
  const { clientId = 'c_pay', ...rest } = options
  const [browser, consentUrl] = await atConsent(world, spoil, { clientId })
  const answer = await browser.decide(consentUrl, 'allow')
  const code = locationOf(answer).searchParams.get('code') ?? ''
  return redeem(world, clientId, code, { ...rest, spoil: atToken })
}

/** What the resource server behind `clientId` is told about a token. */
export async function introspectedBy(
  world: World,
  clientId: 'c_rs' | 'c_rs_payments',
  token: string,
): Promise<Readonly<Record<string, unknown>>> {
  const key = keys.resourceServer
  const form = { token, ...world.assertion(clientId, { key }) }
  return jsonOf(await world.send(introspectRoom, '/introspect', { form }))
}
