import * as client from 'openid-client'
import { dispatcherFor, fetchOver } from './dispatchers.ts'
import type { Product } from './product.ts'
import { closing, configure, introspectAs, signIn } from './walk-openid-client.ts'

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

/** What an exchange looked like from outside; the test judges it. */
export interface ExchangeWalk {
  readonly issuedTokenType: unknown
  readonly tokenType: string
  readonly introspected: Readonly<Record<string, unknown>>
  readonly subjectIntrospected: Readonly<Record<string, unknown>>
  readonly introspectedAfterRevocation: Readonly<Record<string, unknown>>
}

/** An API exchanges the token of the user it serves, with `openid-client` on both sides. */
export async function exchangeWithOpenidClient(product: Product): Promise<ExchangeWalk> {
  const who = product.clients['private_key_jwt with DPoP']
  await using agent = closing(dispatcherFor(product, who))
  await using apiAgent = closing(dispatcherFor(product, product.introspector))
  const { config, tokens } = await signIn(product, who, fetchOver(agent.dispatcher))

  const api = await configure(product, product.introspector, fetchOver(apiAgent.dispatcher))
  const DPoP = client.getDPoPHandle(api, await client.randomDPoPKeyPair('ES256'))
  const exchanged = await client.genericGrantRequest(
    api,
    'urn:ietf:params:oauth:grant-type:token-exchange',
    { subject_token: tokens.access_token, subject_token_type: accessTokenType, resource: product.audience },
    { DPoP },
  )
  const introspected = await introspectAs(product, exchanged.access_token)
  const subjectIntrospected = await introspectAs(product, tokens.access_token)
  await client.tokenRevocation(config, tokens.refresh_token ?? '')
  return {
    issuedTokenType: exchanged.issued_token_type,
    tokenType: exchanged.token_type,
    introspected,
    subjectIntrospected,
    introspectedAfterRevocation: await introspectAs(product, exchanged.access_token),
  }
}
