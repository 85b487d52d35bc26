import type { Reply } from '../../http/exchange.ts'
import { userinfoRoom } from '../userinfo/room.ts'
import { type Browser, locationOf, openBrowser, pushedUrl } from './browser.ts'
import { redirectUri } from './clients.ts'
import { codeVerifier, jsonOf, requestToken } from './flow.ts'
import { type FormFields, issuerUrl, type World } from './world.ts'

/** Somebody who signed in to a client, and what that client got. */
export interface SignedIn {
  readonly browser: Browser
  readonly idToken: string
  readonly accessToken: string
  readonly refreshToken: string | undefined
}

/** Signs Alice in to a client, in this browser or a new one, and redeems the code. */
export async function signIn(
  world: World,
  clientId: string,
  options: { readonly browser?: Browser; readonly scope?: string; readonly spoil?: FormFields } = {},
): Promise<SignedIn> {
  const { browser = openBrowser(world), scope = 'openid profile', spoil } = options
  const opened = await browser.get(await pushedUrl(world, { clientId, spoil: { scope, ...spoil } }))
  const next = locationOf(opened).href
  const consent = next.endsWith('/login') ? locationOf(await browser.login(next)).href : next
  const callback = locationOf(await browser.decide(consent, 'allow'))
  const isBound = world.issuer.clients.get(clientId)?.dpopBoundAccessTokens === true
  const reply = await requestToken(
    world,
    clientId,
    {
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: codeVerifier,
    },
    isBound ? {} : { proofKey: 'none' },
  )
  const { id_token, access_token, refresh_token } = jsonOf(reply)
  return {
    browser,
    idToken: String(id_token),
    accessToken: String(access_token),
    refreshToken: refresh_token === undefined ? undefined : String(refresh_token),
  }
}

/** What userinfo tells the holder of an unbound token. */
export async function userinfoOf(world: World, accessToken: string): Promise<Reply> {
  return await world.send(userinfoRoom, '/userinfo', {
    method: 'GET',
    headers: [['authorization', `Bearer ${accessToken}`]],
  })
}

export function logoutUrl(parameters: Readonly<Record<string, string | undefined>> = {}): string {
  const query = new URLSearchParams(
    Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  return `${issuerUrl}/logout?${query}`
}
