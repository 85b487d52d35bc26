import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Agent, fetch as fetchOver } from 'undici'

/** Profiles that there is a recipe for. */
export const profiles = [
  'oidc-baseline',
  'oauth21',
  'fapi2-security',
  'fapi2-message-signing',
  'fapi1-advanced',
  'fapi-ciba',
] as const
export type Profile = (typeof profiles)[number]

export const issuer = new URL(process.env.ISSUER ?? 'https://localhost:8443')
export const redirectUri = 'https://client.example/callback'
export const folder = 'my-clients'

export function clientIdOf(profile: Profile): string {
  return `recipe-${profile}`
}

/** The key that `register.ts` made for the client of this profile. */
export async function signingKey(
  profile: Profile,
): Promise<{ readonly key: CryptoKey; readonly kid: string }> {
  const text = readFileSync(join(folder, `${profile}.json`), 'utf8')
  const jwk = JSON.parse(text) as JsonWebKey & { readonly kid: string }
  const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' }
  return { key: await crypto.subtle.importKey('jwk', jwk, ecdsa, false, ['sign']), kid: jwk.kid }
}

/** `fetch` that presents the client's certificate, in the shape that both libraries take. */
export function fetchWithCertificate(): (url: string, options: object) => Promise<Response> {
  const [cert, key] = ['certificate.pem', 'certificate.key'].map(name => readFileSync(join(folder, name)))
  const ca = readFileSync('.holdfast/tls/ca.pem')
  const dispatcher = new Agent({ connect: { ca, cert, key }, keepAliveTimeout: 1 })
  return async (url, options) =>
    (await fetchOver(url, { ...options, dispatcher } as never)) as unknown as Response
}

/** In a web application: a redirect out, and the handler of the redirect URI. Here: a person who copies an address. */
export async function answerTo(url: URL): Promise<URL> {
  say(`open this in a browser within a minute:\n${url.href}\nand paste the address it ends at:`)
  const terminal = createInterface({ input: process.stdin })
  const pasted = await terminal.question('')
  terminal.close()
  return new URL(pasted)
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
