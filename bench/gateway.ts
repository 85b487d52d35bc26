import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer as createTlsServer, request } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { openUpstream } from '@holdfast/gateway/upstream.ts'
import { tlsFloor } from '@holdfast/protocol/wire/tls-floor.ts'
import { type Bed, openBed, proofFor } from '../packages/gateway/src/testing/bed.ts'

/**
 * CPU microseconds a request costs the gateway, read from the operating system's account of its process, beside a proxy
 * that does nothing but pass it on: the same TLS edge, the same way to the same API, in the same process and run. The
 * API, which answers at once, is in that process too and costs both the same, so the difference is what counts. Clients
 * are in the other process; proofs are signed before the clock starts. Each figure is the median over the turns.
 */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '400' },
    turns: { type: 'string', default: '9' },
    connections: { type: 'string', default: '16' },
  },
})

interface Ready {
  readonly gatewayPort: number
  readonly plainPort: number
  readonly caPem: string
}

interface Signed {
  readonly headers: readonly Readonly<Record<string, string>>[]
}

if (process.env.HOLDFAST_BENCH_ROLE === 'gateway') await beGateway()
else await beClients()

/** The measured process: gateway and plain proxy over one API, which answers at once. */
async function beGateway(): Promise<void> {
  const bed = await openBed()
  const plain = await openPlain(bed)
  const token = bed.token()
  process.on('message', (order: { readonly sign?: number }) => {
    if (order.sign === undefined) return void process.send?.(process.cpuUsage())
    const headers = Array.from({ length: order.sign }, () => ({
      host: `localhost:${bed.port}`,
      authorization: `DPoP ${token}`,
      dpop: proofFor(bed, { token }),
    }))
    process.send?.({ headers } satisfies Signed)
  })
  const ready: Ready = { gatewayPort: bed.port, plainPort: plain, caPem: bed.ca.caPem }
  process.send?.(ready)
}

async function openPlain(bed: Bed): Promise<number> {
  const gateway = await bed.ca.clientCertificate('gateway', 'CN=gateway', 'issued')
  const upstream = openUpstream('plain', {
    url: `https://localhost:${bed.api.port}`,
    caPem: bed.ca.caPem,
    certPem: gateway.certPem,
    keyPem: gateway.keyPem,
  })
  const { certPem: cert, keyPem: key } = bed.ca.server
  const server = createTlsServer(
    { ...tlsFloor, cert, key },
    async (incoming: IncomingMessage, response: ServerResponse) => {
      const answer = await upstream.pool.request({ path: incoming.url ?? '/', method: 'GET' })
      response.writeHead(answer.statusCode, { 'content-type': 'application/json' })
      await pipeline(answer.body, response)
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function beClients(): Promise<void> {
  const env = { ...process.env, HOLDFAST_BENCH_ROLE: 'gateway' }
  const child = fork(import.meta.filename, [], { env })
  const [ready] = (await once(child, 'message')) as [Ready]
  const agent = new Agent({ ca: ready.caPem, keepAlive: true, maxSockets: Number(values.connections) })
  const count = Number(values.requests)
  const costs: { readonly plain: number; readonly gateway: number }[] = []
  for (let turn = -1; turn < Number(values.turns); turn++) {
    const signed = (await ask(child, { sign: count })) as Signed
    const plain = () => measure(child, agent, ready.plainPort, signed.headers)
    const gateway = () => measure(child, agent, ready.gatewayPort, signed.headers)
    // Who goes first changes with every turn; the first turn warms up.
    const isPlainFirst = turn % 2 === 0
    const one = isPlainFirst ? await plain() : await gateway()
    const two = isPlainFirst ? await gateway() : await plain()
    if (turn >= 0) costs.push(isPlainFirst ? { plain: one, gateway: two } : { plain: two, gateway: one })
  }
  const median = (of: (cost: (typeof costs)[number]) => number): number =>
    costs.map(of).toSorted((left, right) => left - right)[Math.floor(costs.length / 2)] ?? Number.NaN
  const line = (name: string, value: number): string => `${name.padEnd(48)}${value.toFixed(0).padStart(8)}`
  process.stdout.write(
    `${[
      line(
        'plain proxy, CPU us (with the API)',
        median(cost => cost.plain),
      ),
      line(
        'gateway, DPoP, CPU us (with the API)',
        median(cost => cost.gateway),
      ),
      line(
        'what the gateway adds, CPU us',
        median(cost => cost.gateway - cost.plain),
      ),
      `${'gateway / plain'.padEnd(48)}${median(cost => cost.gateway / cost.plain)
        .toFixed(2)
        .padStart(8)}`,
    ].join('\n')}\n`,
  )
  agent.destroy()
  child.kill()
}

async function ask(child: ChildProcess, order: object): Promise<unknown> {
  const answer = once(child, 'message')
  child.send(order)
  return (await answer)[0]
}

async function measure(
  child: ChildProcess,
  agent: Agent,
  port: number,
  headers: Signed['headers'],
): Promise<number> {
  const spent = async (): Promise<number> => {
    const { user, system } = (await ask(child, {})) as NodeJS.CpuUsage
    return user + system
  }
  const before = await spent()
  await Promise.all(
    headers.map(
      one =>
        new Promise<void>((done, fail) => {
          request(
            { host: '127.0.0.1', servername: 'localhost', port, path: '/accounts', agent, headers: one },
            answer => {
              answer.resume()
              answer.once('end', () =>
                answer.statusCode === 200 ? done() : fail(new Error(`answered ${answer.statusCode}`)),
              )
            },
          )
            .on('error', fail)
            .end()
        }),
    ),
  )
  return ((await spent()) - before) / headers.length
}
