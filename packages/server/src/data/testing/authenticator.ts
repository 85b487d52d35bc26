import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { EpochSeconds } from '@holdfast/protocol'
import { totpCode, totpStep } from '@holdfast/protocol/specs/rfc6238-totp/totp.ts'
import type { Reply } from '../../http/exchange.ts'
import { paths } from '../paths.ts'
import { actionOf, type Browser, fieldOf, header, locationOf } from './browser.ts'
import { issuerUrl, type World } from './world.ts'

/** A passkey in software, with every part of its answers for a test to spoil. */
export interface SoftPasskey {
  readonly id: string
  readonly create: (options: CeremonyOptions, spoil?: Spoil) => string
  readonly get: (options: CeremonyOptions, spoil?: Spoil) => string
}

/** Out of the options on the page. */
export interface CeremonyOptions {
  readonly challenge: string
  readonly rp?: { readonly id: string }
  readonly user?: { readonly id: string }
  readonly allowCredentials?: readonly { readonly id: string }[]
}

export interface Spoil {
  readonly type?: string
  readonly origin?: string
  readonly crossOrigin?: boolean
  readonly challenge?: string
  readonly rpId?: string
  /** Bits of the authenticator data: 1 present, 4 verified. */
  readonly flags?: number
  readonly counter?: number
  readonly userHandle?: string
  readonly signature?: Buffer
  /** COSE algorithm number that the new key says it has. */
  readonly alg?: number
}

const host = new URL(issuerUrl).hostname
let made = 0

export function newPasskey(): SoftPasskey {
  made += 1
  const idBytes = createHash('sha256').update(`credential ${process.pid} ${made}`).digest()
  const id = idBytes.toString('base64url')
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const state = { counter: 0, handle: undefined as string | undefined }
  return {
    id,
    create: (options, spoil = {}) => {
      state.handle = options.user?.id
      const attested = Buffer.concat([
        Buffer.alloc(16),
        Buffer.of(0, idBytes.length),
        idBytes,
        coseKey(publicKey, spoil),
      ])
      const authData = authenticatorData({ ...spoil, flags: (spoil.flags ?? 5) | 0x40 }, attested)
      const attestationObject = Buffer.concat([
        Buffer.of(0xa3, 0x63, ...Buffer.from('fmt'), 0x64, ...Buffer.from('none')),
        Buffer.of(0x67, ...Buffer.from('attStmt'), 0xa0, 0x68, ...Buffer.from('authData')),
        Buffer.of(0x58, authData.length),
        authData,
      ])
      return credentialText(id, {
        clientDataJSON: clientData('webauthn.create', options, spoil).toString('base64url'),
        attestationObject: attestationObject.toString('base64url'),
        transports: ['internal', 'made-up'],
      })
    },
    get: (options, spoil = {}) => {
      state.counter += 1
      const authData = authenticatorData({ counter: state.counter, ...spoil })
      const data = clientData('webauthn.get', options, spoil)
      const signed = Buffer.concat([authData, createHash('sha256').update(data).digest()])
      const signature = spoil.signature ?? sign('sha256', signed, privateKey)
      const userHandle = spoil.userHandle ?? state.handle
      return credentialText(id, {
        clientDataJSON: data.toString('base64url'),
        authenticatorData: authData.toString('base64url'),
        signature: signature.toString('base64url'),
        ...(userHandle !== undefined && { userHandle }),
      })
    },
  }
}

function credentialText(id: string, response: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ id, rawId: id, type: 'public-key', response })
}

function clientData(type: string, { challenge }: CeremonyOptions, spoil: Spoil): Buffer {
  const { origin = issuerUrl, crossOrigin = false } = spoil
  return Buffer.from(
    JSON.stringify({
      type: spoil.type ?? type,
      challenge: spoil.challenge ?? challenge,
      origin,
      crossOrigin,
    }),
  )
}

function authenticatorData(
  { rpId = host, flags = 5, counter = 0 }: Spoil,
  attested = Buffer.alloc(0),
): Buffer {
  const count = Buffer.alloc(4)
  count.writeUInt32BE(counter)
  return Buffer.concat([createHash('sha256').update(rpId).digest(), Buffer.of(flags), count, attested])
}

/** COSE_Key of an ES256 key: {1: 2, 3: alg, -1: 1, -2: x, -3: y}. */
function coseKey(publicKey: KeyObject, { alg = -7 }: Spoil): Buffer {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const number = alg < -24 ? Buffer.of(0x38, -1 - alg) : Buffer.of(0x20 + (-1 - alg))
  return Buffer.concat([
    Buffer.of(0xa5, 0x01, 0x02, 0x03),
    number,
    Buffer.of(0x20, 0x01, 0x21, 0x58, 0x20),
    Buffer.from(x, 'base64url'),
    Buffer.of(0x22, 0x58, 0x20),
    Buffer.from(y, 'base64url'),
  ])
}

/** What the page hands to the browser. */
export function optionsOn(page: Reply): CeremonyOptions {
  const text = /data-options="([^"]*)"/.exec(String(page.body))?.[1] ?? '{}'
  return JSON.parse(text.replaceAll('&quot;', '"')) as CeremonyOptions
}

/** Follows our own redirects. */
export async function follow(browser: Browser, reply: Reply): Promise<Reply> {
  let shown = reply
  for (let hops = 0; hops < 6 && shown.status === 303; hops++) {
    const next = locationOf(shown)
    if (next.origin !== issuerUrl) return shown
    shown = await browser.get(next.href)
  }
  return shown
}

/** Signs in on the account page, with every factor the user has set up answered by `code`. */
export async function openAccount(
  browser: Browser,
  path: string = paths.security,
  answers: { readonly username?: string; readonly password?: string; readonly code?: () => string } = {},
): Promise<Reply> {
  let page = await follow(browser, await browser.get(path))
  for (let step = 0; step < 3; step++) {
    const body = String(page.body)
    if (body.includes('id="login-form"'))
      page = await follow(browser, await browser.login(page, answers.username, answers.password))
    else if (body.includes('id="second-factor-form"') && answers.code !== undefined)
      page = await follow(browser, await answerCode(browser, page, answers.code()))
    else break
  }
  return page
}

export function answerCode(browser: Browser, page: Reply, code: string): Promise<Reply> {
  return browser.post(actionOf(page), { csrf: fieldOf(page, 'csrf'), code })
}

export function answerPasskey(browser: Browser, page: Reply, credential: string): Promise<Reply> {
  return browser.post(actionOf(page), { csrf: fieldOf(page, 'csrf'), credential })
}

/** Registers a passkey for whoever signs in. */
export async function registerPasskey(
  browser: Browser,
  passkey: SoftPasskey,
  answers: Parameters<typeof openAccount>[2] = {},
): Promise<Reply> {
  const page = await openAccount(browser, paths.addPasskey, answers)
  const credential = passkey.create(optionsOn(page))
  return await browser.post(actionOf(page), { csrf: fieldOf(page, 'csrf'), credential, name: 'Laptop' })
}

export interface SoftApp {
  /** The code an app shows now, or some steps away. */
  readonly code: (stepsAway?: number) => string
}

/** Sets up an authenticator app for whoever signs in. The code of the current step is spent by it. */
export async function setUpApp(world: World, browser: Browser): Promise<SoftApp> {
  const page = await openAccount(browser, paths.addTotp)
  const app = appOf(page, () => world.clock.now())
  const done = await browser.post(actionOf(page), { csrf: fieldOf(page, 'csrf'), code: app.code() })
  if (!header(done, 'location')?.includes('done=app-added')) throw new TypeError(`not set up: ${done.body}`)
  return app
}

/** The app that took the key from the page. */
export function appOf(page: Reply, now: () => EpochSeconds): SoftApp {
  const shown = /id="totp-secret">([A-Z2-7 ]+)</.exec(String(page.body))?.[1] ?? ''
  const secret = decodeBase32(shown.replaceAll(' ', ''))
  return { code: (stepsAway = 0) => totpCode(secret, totpStep(now()) + stepsAway) }
}

function decodeBase32(text: string): Buffer {
  const bits = [...text]
    .map(character => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(character).toString(2).padStart(5, '0'))
    .join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2)))
}
