import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a development start leaves in `demo/demo.json`: all that a client needs to walk the chain. */
export interface DemoKit {
  readonly issuer: string
  readonly mtlsUrl: string
  /** Address of the demo API, which is also its resource identifier: `GET /accounts`, `POST /payments`. */
  readonly api: string
  /** PEM of the authority that signed every certificate of this server. */
  readonly caFile: string
  readonly user: { readonly username: string; readonly password: string }
  readonly clients: readonly DemoKitClient[]
}

export interface DemoKitClient {
  readonly clientId: string
  /** For people: `private_key_jwt + DPoP`. */
  readonly says: string
  readonly redirectUri?: string
  readonly scope: string
  /** Private JWK, for `private_key_jwt`. */
  readonly keyFile?: string
  /** PEM files, for mutual TLS. */
  readonly certificateFile?: string
  readonly certificateKeyFile?: string
}

export function demoKitFile(dataFolder: string): string {
  return join(dataFolder, 'demo', 'demo.json')
}

/** The demo of a data folder; undefined when no development server with the demo ever started there. */
export function readDemoKit(dataFolder: string): DemoKit | undefined {
  const file = demoKitFile(dataFolder)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as DemoKit) : undefined
}
