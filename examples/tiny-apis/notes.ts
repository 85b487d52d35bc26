import { readFileSync } from 'node:fs'
import { createResourceServer, type ResourceServer } from '@holdfast/resource-server'

/** What all of them keep, whatever serves it. */
export const notes = ['buy milk']

const { ISSUER = 'https://localhost:8443', AUDIENCE = 'https://localhost:8461' } = process.env
const { TLS_CERT = '.holdfast/tls/server.pem', TLS_KEY = '.holdfast/tls/server.key' } = process.env

export const audience = AUDIENCE
export const port = Number(new URL(AUDIENCE).port || 443)

/** A client certificate is asked for and judged per token, not per connection. */
export const tls = {
  cert: readFileSync(TLS_CERT),
  key: readFileSync(TLS_KEY),
  requestCert: true,
  rejectUnauthorized: false,
} as const

export const api: ResourceServer = createResourceServer({
  issuer: ISSUER,
  audience: AUDIENCE,
  tokens: 'jwt',
  scopes: ['notes:read', 'notes:write'],
  audit: event => void process.stdout.write(`${event.outcome} ${event.status} ${event.ruleId ?? ''}\n`),
})

export const started = (): void => void process.stdout.write(`notes API at ${AUDIENCE}\n`)
