import * as client from 'openid-client'
import { dispatcherFor, fetchOver } from './dispatchers.ts'
import type { Product, ProductClient } from './product.ts'
import { closing, introspectAs, signIn } from './walk-openid-client.ts'

/** What managing a grant looked like from outside; the test judges it. */
export interface GrantWalk {
  readonly created: unknown
  readonly merged: unknown
  readonly read: Readonly<Record<string, unknown>>
  readonly firstIntrospected: Readonly<Record<string, unknown>>
  readonly mergedIntrospected: Readonly<Record<string, unknown>>
  readonly deleted: number
  readonly readAfterwards: number
  readonly introspectedAfterwards: Readonly<Record<string, unknown>>
}

/** A client creates a grant, adds to it, reads it and ends it, with `openid-client`. */
export async function grantsWithOpenidClient(product: Product, who: ProductClient): Promise<GrantWalk> {
  await using agent = closing(dispatcherFor(product, who))
  const fetch = fetchOver(agent.dispatcher)
  const first = await signIn(product, who, fetch, true, {
    grant_management_action: 'create',
    scope: 'openid accounts offline_access',
  })
  const created = String(first.tokens.grant_id)
  const second = await signIn(product, who, fetch, true, {
    ...{ grant_management_action: 'merge', grant_id: created },
    scope: 'openid profile',
  })
  const { config, options } = second
  const scope = 'grant_management_query grant_management_revoke'
  const management = await client.clientCredentialsGrant(config, { scope }, options)
  const server = config.serverMetadata()
  const endpoint = who.isDpop ? server.grant_management_endpoint : aliasOf(server)
  const call = (method: string): Promise<Response> =>
    client.fetchProtectedResource(
      config,
      management.access_token,
      new URL(`${endpoint}/${created}`),
      method,
      undefined,
      undefined,
      options,
    )
  const firstIntrospected = await introspectAs(product, first.tokens.access_token)
  const mergedIntrospected = await introspectAs(product, second.tokens.access_token)
  const read = (await (await call('GET')).json()) as Readonly<Record<string, unknown>>
  const deleted = (await call('DELETE')).status
  return {
    created,
    merged: second.tokens.grant_id,
    read,
    firstIntrospected,
    mergedIntrospected,
    deleted,
    readAfterwards: (await call('GET')).status,
    introspectedAfterwards: await introspectAs(product, second.tokens.access_token),
  }
}

function aliasOf(server: Readonly<client.ServerMetadata>): unknown {
  return (server.mtls_endpoint_aliases as Record<string, unknown> | undefined)?.grant_management_endpoint
}
