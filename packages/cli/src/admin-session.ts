import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as oauth from 'openid-client'
import { type AdminProfile, assertPrivate } from './admin-profile.ts'
import { openOauthClient } from './oauth-client.ts'

/** The client of a profile: its tokens, and requests with them. */
export interface AdminSession {
  /** One request of the admin API with a token; a challenge is an answer. @param path with `/admin` */
  readonly send: (method: string, path: string, body: unknown) => Promise<Response>
  /**
   * A user signs in with a browser.
   * @param acr signs in anew, as strongly as that
   * @param show is given the URL to open
   */
  readonly signIn: (acr: string | undefined, show: (url: URL) => void) => Promise<void>
  readonly close: () => Promise<void>
}

/** What is kept of a user who signed in: bound to the key beside it, and good until the issuer says otherwise. */
interface Kept {
  readonly refreshToken: string
  readonly privateKey: JsonWebKey
  readonly publicKey: JsonWebKey
}

const answerTimeoutMs = 60_000
/** How long the browser may take to come back. */
const signInMs = 300_000
const callbackPath = '/callback'
const curve = { name: 'ECDSA', namedCurve: 'P-256' }

/** @throws Error that says why the issuer cannot be asked */
export async function openAdminSession(profile: AdminProfile): Promise<AdminSession> {
  const { issuer, clientId, keyFile, caFile, login } = profile
  const { config, close } = await openOauthClient({ issuer, clientId, keyFile, caFile, answerTimeoutMs })
  const keptFile = `${profile.file}.session`
  let ready: Promise<Ready> | undefined
  const open = (): Promise<Ready> => {
    ready ??= login ? resumed(profile, config, keptFile) : ownToken(profile, config)
    return ready
  }
  return {
    send: async (method, path, body) => {
      const { token, DPoP } = await open()
      const headers = new Headers(body === undefined ? {} : { 'content-type': 'application/json' })
      const text = body === undefined ? undefined : JSON.stringify(body)
      const url = new URL(path, profile.admin)
      return await oauth
        .fetchProtectedResource(config, token, url, method, text, headers, { DPoP })
        .catch((thrown: unknown) => {
          if (thrown instanceof oauth.WWWAuthenticateChallengeError) return thrown.response
          throw thrown
        })
    },
    signIn: async (acr, show) => {
      ready = signedIn(profile, config, { keptFile, acr, show })
      await ready
    },
    close,
  }
}

interface Ready {
  readonly token: string
  readonly DPoP: oauth.DPoPHandle
}

async function ownToken({ scopes, admin }: AdminProfile, config: oauth.Configuration): Promise<Ready> {
  const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair('ES256'))
  const asked = { scope: scopes.join(' '), resource: admin }
  const { access_token: token } = await oauth.clientCredentialsGrant(config, asked, { DPoP })
  return { token, DPoP }
}

async function resumed(
  { admin, file }: AdminProfile,
  config: oauth.Configuration,
  keptFile: string,
): Promise<Ready> {
  if (!existsSync(keptFile))
    throw new Error(`nobody signed in with \`${file}\`: run \`holdfast admin login\``)
  assertPrivate(keptFile)
  const kept = JSON.parse(readFileSync(keptFile, 'utf8')) as Kept
  const pair = await pairOf(kept)
  const DPoP = oauth.getDPoPHandle(config, pair)
  try {
    const tokens = await oauth.refreshTokenGrant(config, kept.refreshToken, { resource: admin }, { DPoP })
    await keep(keptFile, tokens.refresh_token ?? kept.refreshToken, pair)
    return { token: tokens.access_token, DPoP }
  } catch (thrown) {
    if (!(thrown instanceof oauth.ResponseBodyError) || thrown.error !== 'invalid_grant') throw thrown
    // What the issuer no longer takes is of no use to anybody.
    rmSync(keptFile, { force: true })
    throw new Error('signed in too long ago, or signed out: run `holdfast admin login`', { cause: thrown })
  }
}

interface SignIn {
  readonly keptFile: string
  readonly acr: string | undefined
  readonly show: (url: URL) => void
}

async function signedIn(
  { scopes, admin }: AdminProfile,
  config: oauth.Configuration,
  { keptFile, acr, show }: SignIn,
): Promise<Ready> {
  const pair = await oauth.randomDPoPKeyPair('ES256', { extractable: true })
  const DPoP = oauth.getDPoPHandle(config, pair)
  const verifier = oauth.randomPKCECodeVerifier()
  const state = oauth.randomState()
  const callback = await openCallback()
  try {
    const url = await oauth.buildAuthorizationUrlWithPAR(
      config,
      {
        ...{ redirect_uri: callback.redirectUri, state, resource: admin },
        scope: [...scopes, 'offline_access'].join(' '),
        ...(acr !== undefined && { acr_values: acr, max_age: '0' }),
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      },
      { DPoP },
    )
    show(url)
    const answer = await callback.answered
    const checks = { pkceCodeVerifier: verifier, expectedState: state }
    const tokens = await oauth.authorizationCodeGrant(config, answer, checks, undefined, { DPoP })
    if (tokens.refresh_token !== undefined) await keep(keptFile, tokens.refresh_token, pair)
    return { token: tokens.access_token, DPoP }
  } finally {
    callback.close()
  }
}

/** A port of this machine that the browser comes back to, once. */
async function openCallback(): Promise<{
  readonly redirectUri: string
  readonly answered: Promise<URL>
  readonly close: () => void
}> {
  let server: Server | undefined
  const { promise, resolve, reject } = Promise.withResolvers<URL>()
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', redirectUri)
    if (url.pathname !== callbackPath) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'referrer-policy': 'no-referrer' })
    response.end('Go back to the terminal; this page can be closed.\n')
    resolve(url)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}${callbackPath}`
  const timer = setTimeout(() => reject(new Error('nobody signed in within five minutes')), signInMs)
  return {
    redirectUri,
    answered: promise,
    close: () => {
      clearTimeout(timer)
      server.close()
      server.closeAllConnections()
    },
  }
}

async function pairOf({ privateKey, publicKey }: Kept): Promise<oauth.CryptoKeyPair> {
  return {
    privateKey: await crypto.subtle.importKey('jwk', privateKey, curve, true, ['sign']),
    publicKey: await crypto.subtle.importKey('jwk', publicKey, curve, true, ['verify']),
  }
}

async function keep(file: string, refreshToken: string, pair: oauth.CryptoKeyPair): Promise<void> {
  const kept: Kept = {
    refreshToken,
    privateKey: await crypto.subtle.exportKey('jwk', pair.privateKey),
    publicKey: await crypto.subtle.exportKey('jwk', pair.publicKey),
  }
  // Removed first: the mode is only given to a file that is made.
  rmSync(file, { force: true })
  writeFileSync(file, JSON.stringify(kept), { mode: 0o600, flag: 'wx' })
}
