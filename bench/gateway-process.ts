import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { openSync, writeSync } from 'node:fs'
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { openAuditFile } from '@holdfast/gateway'
import { passBody } from '@holdfast/gateway/forward.ts'
import { defaultLimits } from '@holdfast/gateway/limits.ts'
import { bound, listenerOptions } from '@holdfast/gateway/listening.ts'
import { connectionOf } from '@holdfast/gateway/peer.ts'
import { openUpstream } from '@holdfast/gateway/upstream.ts'
import { headerValues } from '@holdfast/resource-server/adapters/node.ts'
import { systemClock } from '@holdfast/resource-server/ports.ts'
import { openLog } from '@holdfast/server/observe/log.ts'
import { type Bed, freePort, openBed } from '../packages/gateway/src/testing/bed.ts'
import {
  type Binding,
  bindings,
  type Checker,
  type ClientCertificate,
  clientCertificateOf,
  cnfOf,
  holdfastChecker,
  libraryCheckers,
  type Place,
} from './checks.ts'
import { measureRawSignatures } from './raw-signatures.ts'

/**
 * The measured process: the gateway as an operator runs it, and plain proxies with the same TLS edge and the same way to
 * the API, which check nothing or let a library check. Argument: JSON options. It answers as the other contenders do.
 */
const { apiUrl, apiCaPem, folder } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly apiUrl: string
  readonly apiCaPem: string
  readonly folder: string
}

/** A listener to be measured, and the token its clients show. */
export interface Listener {
  readonly binding: Binding | 'none'
  readonly name: string
  readonly port: number
  readonly token: string
}

export interface Ready {
  readonly listeners: readonly Listener[]
  readonly clientKeyJwk: Readonly<Record<string, unknown>>
  readonly certPem: string
  readonly keyPem: string
}

const lifeSeconds = 3000
const path = '/accounts'
const nowhere = openSync('/dev/null', 'w')
const log = openLog({ level: 'info', destination: { write: line => void writeSync(nowhere, line) } })
const audit = await openAuditFile(join(folder, 'audit.jsonl'), cause => log.error('audit', { cause }))
const upstream = { url: apiUrl, caPem: apiCaPem }
const bed = await openBed({
  upstream,
  api: { senderConstraint: 'allowed' },
  routes: [{ api: 'bank', methods: ['GET'], path, scopes: ['payments:read'] }],
  options: { audit: audit.sink, log },
})
const certificate = clientCertificateOf(new X509Certificate(bed.clientCertificate.certPem).raw)
const ready: Ready = {
  listeners: [...gatewayListeners(), ...(await proxies())],
  clientKeyJwk: bed.key.privateKey.export({ format: 'jwk' }) as Ready['clientKeyJwk'],
  certPem: bed.clientCertificate.certPem,
  keyPem: bed.clientCertificate.keyPem,
}
process.on('message', message => {
  if (message === 'cpu') process.send?.({ cpu: process.cpuUsage() })
  if (message === 'raw') process.send?.({ raw: measureRawSignatures() })
  if (message === 'stop') process.exit(0)
})
process.on('disconnect', () => process.exit(0))
process.send?.(ready)

function claimsOf(binding: Binding): Readonly<Record<string, unknown>> {
  return { exp: systemClock.now() + lifeSeconds, ...cnfOf(binding, bed.key, certificate) }
}

/** The gateway with each binding and each form of token; what it was told about a token it remembers for 10 s. */
function gatewayListeners(): readonly Listener[] {
  const { issuer, port } = bed
  const known = (token: string, claims: object): string => {
    issuer.introspection.set(token, { active: true, ...claims })
    return token
  }
  return bindings.flatMap(binding => {
    const claims = issuer.claims(claimsOf(binding))
    const forms = {
      opaque: known(`at_${'x'.repeat(40)}-${binding}`, claims),
      JWT: known(issuer.mint(claims), claims),
      split: issuer.mintSplit(claims),
    }
    return Object.entries(forms).map(
      ([form, token]): Listener => ({ binding, name: `Holdfast gateway, ${form} token`, port, token }),
    )
  })
}

/** Plain proxies: one that checks nothing, one with each library, one with our SDK. */
async function proxies(): Promise<readonly Listener[]> {
  const plain: Listener = {
    binding: 'none',
    name: 'plain proxy',
    port: await openProxy(bed, undefined, await freePort()),
    token: 'none',
  }
  const checking: Listener[] = []
  for (const [index, { binding }] of checkersAt('https://localhost').entries()) {
    const port = await freePort()
    const checker = checkersAt(`https://localhost:${port}`)[index]
    if (checker === undefined) throw new TypeError('there is no checker')
    const token = bed.issuer.mint(claimsOf(binding))
    await openProxy(bed, checker, port)
    checking.push({ binding, name: `plain proxy with ${checker.name}`, port, token })
  }
  return [plain, ...checking]
}

function checkersAt(origin: string): readonly Checker[] {
  const place: Place = { issuer: bed.issuer, clock: systemClock, origin }
  return [
    ...bindings.map(binding => holdfastChecker(place, binding, 'the Holdfast SDK', 'jwt')),
    ...libraryCheckers(place),
  ]
}

/** The edge of the gateway without its judgement: everything goes on as it came, and back as it came. */
async function openProxy(
  { ca, clientCertificate }: Bed,
  checker: Checker | undefined,
  port: number,
): Promise<number> {
  const { certPem, keyPem } = clientCertificate
  const pool = await openUpstream('plain', { ...upstream, certPem, keyPem }).pool()
  const forward: RequestListener = async (incoming, response) => {
    try {
      await checker?.ready(checkedRequest(incoming))()
      const headers = [...incoming.rawHeaders]
      const target = incoming.url ?? '/'
      const answer = await pool.request({ path: target, method: 'GET', headers, responseHeaders: 'raw' })
      response.writeHead(answer.statusCode, (answer.headers as unknown as Buffer[]).map(String))
      await passBody(answer.body, response)
    } catch (cause) {
      process.stderr.write(`${checker?.name}: ${String(cause)}\n`)
      response.writeHead(502).end()
    }
  }
  const server: Server = createServer(listenerOptions(ca.server, defaultLimits), forward)
  bound(server, defaultLimits)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return port
}

function checkedRequest({ url = '', rawHeaders, socket }: IncomingMessage): Parameters<Checker['ready']>[0] {
  const names = ['authorization', 'dpop'].filter(name => headerValues(rawHeaders, name).length > 0)
  return {
    target: url,
    headers: Object.fromEntries(names.map(name => [name, headerValues(rawHeaders, name)[0] ?? ''])),
    certificate: certificateOf(socket),
  }
}

const certificates = new WeakMap<Socket, ClientCertificate>()

function certificateOf(socket: Socket): ClientCertificate | undefined {
  const { der } = connectionOf(socket)
  if (der === undefined) return undefined
  const known = certificates.get(socket) ?? clientCertificateOf(der)
  certificates.set(socket, known)
  return known
}
