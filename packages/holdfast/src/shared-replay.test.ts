import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:https'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  dropSchema,
  newSchema,
  onServer,
  postgresAbsence,
  testConnectionString,
} from '@holdfast/server/store/drivers/postgres-for-tests.ts'
import { caPemOf, dpopCaller, originOf } from './testing/demo-caller.ts'
import { type RunningGateway, startGateway } from './testing/gateway-process.ts'
import { freePorts, openWorkshop, type Started, type Workshop } from './testing/product.ts'

/** Two gateway processes under one URL: a proof that one took the other refuses. */

const absence = await postgresAbsence()

describe('two gateways with one replay memory', { skip: absence ?? false }, () => {
  const schema = newSchema()
  let workshop: Workshop
  let started: Started
  let api: Server
  let external: string
  let gateways: readonly RunningGateway[] = []
  let received = 0

  before(async () => {
    workshop = await openWorkshop()
    started = await workshop.start()
    await onServer(`create schema ${schema}`)
    const pem = (name: string): string => readFileSync(join(workshop.folder, '.holdfast/tls', name), 'utf8')
    api = createServer({ cert: pem('server.pem'), key: pem('server.key') }, (_incoming, response) => {
      received++
      response.end('from the API')
    })
    api.listen(0, 'localhost')
    await once(api, 'listening')
    const { port } = api.address() as { readonly port: number }
    writeFileSync(join(workshop.folder, 'nonce.secret'), randomBytes(32), { mode: 0o600 })
    const [outside] = await freePorts(1)
    external = originOf(outside)
    const connection = new URL(testConnectionString)
    connection.searchParams.set('options', `-c search_path=${schema}`)
    const more = [
      // Every replay is a failure of its source, which is one here.
      'limits: { failuresPerMinute: 100000 }',
      `replay: { connectionString: '${connection.href}', nonceSecretFile: nonce.secret }`,
    ]
    const options = { externalUrl: external, upstream: `https://localhost:${port}`, more }
    gateways = [
      await startGateway(workshop, { ...options, name: 'one' }),
      await startGateway(workshop, { ...options, name: 'two' }),
    ]
  })
  after(async () => {
    for (const { running } of gateways) running.kill('SIGKILL')
    api?.closeAllConnections()
    api?.close()
    await started?.stop('SIGKILL')
    workshop?.remove()
    await dropSchema(schema)
  })

  interface Sent {
    readonly status: number
    readonly nonce: string | undefined
  }

  /** As a load balancer does: the same request, to the gateway it chose. */
  const send = ({ port }: RunningGateway, headers: Record<string, string>): Promise<Sent> =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        {
          ...{ host: '127.0.0.1', port, servername: 'localhost', path: '/accounts', ca: caPemOf(workshop) },
          agent: false,
          headers: { ...headers, host: new URL(external).host },
        },
        incoming => {
          incoming.resume()
          const nonce = incoming.headers['dpop-nonce']
          incoming.once('end', () =>
            resolve({
              status: incoming.statusCode ?? 0,
              nonce: typeof nonce === 'string' ? nonce : undefined,
            }),
          )
        },
      )
      outgoing.on('error', reject)
      outgoing.end()
    })

  test('of sixteen requests with one proof, over both, exactly one reaches the API, in every round', async () => {
    const { agent, token, proofFor } = await dpopCaller(workshop)
    try {
      const headersWith = async (nonce?: string): Promise<Record<string, string>> => ({
        authorization: `DPoP ${token}`,
        dpop: await proofFor(new URL('/accounts', external), nonce),
      })
      const [one, two] = gateways
      assert.ok(one && two)
      // The memory is younger than the proof: one gateway asks for a nonce, and it serves at the other.
      const asked = await send(one, await headersWith())
      assert.equal(asked.status, 401)
      assert.ok(asked.nonce)
      assert.equal((await send(two, await headersWith(asked.nonce))).status, 200)
      received = 0
      for (let round = 1; round <= 20; round++) {
        const headers = await headersWith(asked.nonce)
        const answers: readonly Sent[] = await Promise.all(
          Array.from({ length: 16 }, (_, index) => send(index % 2 === 0 ? one : two, headers)),
        )
        assert.equal(answers.filter(({ status }) => status === 200).length, 1)
        assert.equal(answers.filter(({ status }) => status === 401).length, 15)
        assert.equal(received, round)
      }
      const audited = gateways.flatMap(({ auditFile }) =>
        readFileSync(auditFile, 'utf8')
          .trim()
          .split('\n')
          .map(line => JSON.parse(line) as { readonly ruleId?: string }),
      )
      assert.equal(audited.filter(({ ruleId }) => ruleId === 'replay.proof').length, 300)

      await onServer(`truncate ${schema}.holdfast_replay`)
      const stale = await headersWith(asked.nonce)
      assert.equal((await send(one, stale)).status, 503)
      assert.notEqual((await send(one, stale)).status, 200)
      assert.equal((await send(one, await headersWith(asked.nonce))).status, 401)

      await onServer(`alter schema ${schema} rename to ${schema}_gone`)
      const again = await send(one, await headersWith())
      assert.equal((await send(one, await headersWith(again.nonce))).status, 503)
      await onServer(`alter schema ${schema}_gone rename to ${schema}`)
      assert.equal(received, 20)
    } finally {
      await agent.destroy()
    }
  })
})
