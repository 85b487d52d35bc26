import * as oauth from 'openid-client'
import type { DemoKit } from '../demo-kit.ts'
import { shownValue } from './abbreviate.ts'
import { type Actor, lastTo } from './actor.ts'
import type { Browser } from './browser.ts'
import { messageOf } from './message.ts'
import type { Message, Step } from './transcript.ts'
import type { Exchange } from './wire.ts'
import { membersOf } from './wire.ts'

/** A code on its way back to the client, and what the client needs to redeem it. */
export interface FreshCode {
  readonly callback: URL
  readonly verifier: string
  readonly state: string
  readonly nonce: string
  /** The push that began it, as it went over the wire. */
  readonly push: Exchange
  readonly pushed: readonly Exchange[]
  readonly visits: readonly Exchange[]
}

export type Tokens = Awaited<ReturnType<typeof redeem>>

/** Who takes part, and with what. */
export interface Cast {
  readonly kit: DemoKit
  readonly client: Actor
  /** The demo API's own client, which may introspect. */
  readonly api: Actor
  readonly browser: Browser
  /** What the browser's wire carried since the last call. */
  readonly visits: () => readonly Exchange[]
  /** The audit record of a reference, in a line. */
  readonly record: (reference: string) => Promise<string>
}

/** What the honest chain leaves behind for a thief. */
export interface Walked {
  readonly steps: readonly Step[]
  readonly tokens: Tokens
  readonly push: Exchange
  readonly call: Exchange
}

export const demoScope = 'openid profile offline_access accounts:read payments:write'

/** From the pushed request to the code: the first three numbers of the picture. */
export async function obtainCode({ kit, client, browser, visits }: Cast): Promise<FreshCode> {
  const verifier = oauth.randomPKCECodeVerifier()
  const [state, nonce] = [oauth.randomState(), oauth.randomNonce()]
  client.wire.take()
  const url = await oauth.buildAuthorizationUrlWithPAR(
    client.config,
    { ...(await requestOf(kit, client, verifier)), state, nonce },
    client.options,
  )
  const pushed = client.wire.take()
  visits()
  const callback = await browser.signIn(url.href, client.redirectUri, kit.user)
  return { callback, verifier, state, nonce, push: lastTo('/par', pushed), pushed, visits: visits() }
}

/** The authorization request of the demo. */
export async function requestOf(
  { api }: DemoKit,
  { redirectUri }: Actor,
  verifier: string,
): Promise<Record<string, string>> {
  return {
    redirect_uri: redirectUri,
    scope: demoScope,
    resource: api,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    // The user is asked again at each run of the demo, so that there is always a page to see.
    prompt: 'consent',
  }
}

export function redeem(
  { config, options }: Actor,
  { callback, verifier, state, nonce }: FreshCode,
): ReturnType<typeof oauth.authorizationCodeGrant> {
  return oauth.authorizationCodeGrant(
    config,
    callback,
    {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    },
    undefined,
    options,
  )
}

/** Walks the whole chain as an honest client; the library judges every answer, so a wrong one throws here. */
export async function walk(cast: Cast): Promise<Walked> {
  const { kit, client, api } = cast
  const fresh = await obtainCode(cast)
  const tokens = await redeem(client, fresh)
  const redeemed = client.wire.take()
  const calls = await callApi(client, tokens.access_token, kit.api)
  const call = lastTo('/accounts', calls)
  await oauth.tokenIntrospection(api.config, tokens.access_token)
  const introspection = lastTo('/introspect', api.wire.take())
  const reference = String(membersOf(call).reference)
  const record = await cast.record(reference)
  await oauth.refreshTokenGrant(
    client.config,
    tokens.refresh_token ?? '',
    { resource: kit.api },
    client.options,
  )
  const refreshed = lastTo('/token', client.wire.take())
  const exchange = lastTo('/token', redeemed)
  const steps: readonly Step[] = [
    step(1, 'The client pushes its request', saysOfPush(client), [messageOf(fresh.push)], {
      notes: nonceNotes(fresh.pushed),
    }),
    step(
      2,
      'The user signs in and agrees',
      'In the browser: pages and forms, no script. The client sees none of it.',
      fresh.visits.map(messageOf),
    ),
    step(3, 'The code comes back, with the name of its issuer', saysOfCallback, [
      callbackMessage(fresh.callback),
    ]),
    step(4, 'The client redeems the code', saysOfRedeem(client), [{ request: messageOf(exchange).request }], {
      notes: nonceNotes(redeemed),
    }),
    step(5, 'Tokens, bound to the client', saysOfTokens(client), [{ answer: messageOf(exchange).answer }]),
    step(6, 'The client calls the API', saysOfCall(client), [messageOf(call)], { notes: nonceNotes(calls) }),
    step(7, 'The API asks the issuer about the token', saysOfIntrospection, [messageOf(introspection)]),
    step(
      8,
      'The API decides, and leaves a record',
      'Every decision is evidence, a yes as much as a no.',
      [],
      {
        notes: [record, `npx holdfast explain ${reference}`],
      },
    ),
    step(9, 'Later: a new token', 'Refreshed without the user. It keeps its binding.', [
      messageOf(refreshed),
    ]),
  ]
  return { steps, tokens, push: fresh.push, call }
}

/** Calls the demo API as the client does: the library makes the proof, also again when the API asks for a nonce. */
export async function callApi(client: Actor, token: string, api: string): Promise<readonly Exchange[]> {
  client.wire.take()
  await oauth.fetchProtectedResource(
    client.config,
    token,
    new URL(`${api}/accounts`),
    'GET',
    undefined,
    undefined,
    client.options,
  )
  return client.wire.take()
}

function step(
  number: number,
  title: string,
  says: string,
  messages: readonly Message[],
  { notes = [] }: { readonly notes?: readonly string[] } = {},
): Step {
  return { number, title, says, messages, notes }
}

function nonceNotes(exchanges: readonly Exchange[]): readonly string[] {
  const asked = exchanges.filter(({ answerText }) => answerText.includes('use_dpop_nonce'))
  return asked.map(
    ({ status }) =>
      `first answered ${status} use_dpop_nonce; the library repeated the request with the nonce it got`,
  )
}

function callbackMessage(callback: URL): Message {
  const lines = [...callback.searchParams].map(([name, value]) => ({ name, value: shownValue(name, value) }))
  return { request: { method: 'GET', url: callback.origin + callback.pathname, lines } }
}

const isDpop = ({ keyPair }: Actor): boolean => keyPair !== undefined

function saysOfPush(client: Actor): string {
  return isDpop(client)
    ? 'Nothing passes through the browser but a reference. The proof ties all that follows to one key.'
    : 'Nothing passes through the browser but a reference.'
}

const saysOfCallback =
  '`iss` tells the client which issuer answered: no other one can pass its code off as ours.'

function saysOfRedeem(client: Actor): string {
  const binding = isDpop(client) ? 'a proof of the same key' : 'the certificate of the connection'
  return `It proves itself, shows the secret behind the PKCE challenge, and brings ${binding}.`
}

function saysOfTokens(client: Actor): string {
  return isDpop(client)
    ? 'Opaque, short-lived, and useful only together with the key of the proof.'
    : 'Opaque, short-lived, and useful only over a connection with the certificate.'
}

function saysOfCall(client: Actor): string {
  return isDpop(client)
    ? 'A fresh proof for this method, this URL and this token; it works once.'
    : 'Over a connection that proves the certificate; the token names its thumbprint.'
}

const saysOfIntrospection =
  'Shown here with the client of the API itself. `cnf` is the key or certificate the token is bound to.'
