import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import { proofFor, send } from '../../testing/bed.ts'
import { type Beside, openBeside } from '../testing/beside.ts'
import { proxies } from '../testing/proxy.ts'
import { whereThere } from '../testing/where-there.ts'

/** Proxies ask twice, and send twice: a proof that was spent by the first question must not fail the second. */

const repeated = ({ bed }: Beside): number =>
  bed.events.filter(({ outcome }) => outcome === 'accepted').length

const nginx = proxies.filter(({ name }) => name.startsWith('NGINX'))
const [plain] = nginx

whereThere('an internal redirect of NGINX', plain?.missing, () => {
  const edit = (text: string): string =>
    text.replace(
      /location \/ \{\n\s+auth_request \/_holdfast;/,
      `location / {
        auth_request /_holdfast;
        try_files /none @again;
      }
      location @again {
        auth_request /_holdfast;`,
    )

  test('asks again under the same id, and the request passes once', async () => {
    assert.ok(plain)
    const beside = await openBeside(plain, {}, { edit })
    try {
      const { bed, taken, assertOnlyChecked } = beside
      const token = bed.token()
      const proof = proofFor(bed, { token })
      const answer = await send(bed, { token, proof })
      assert.equal(answer.status, 200, answer.text)
      assert.equal(repeated(beside), 1, 'one decision, although there were two questions')
      assert.equal(
        bed.lines.filter(({ event, fields }) => event === 'gateway.request' && fields.status === 200).length,
        2,
      )
      // A request of its own has an id of its own.
      assert.equal((await send(bed, { token, proof })).status, 401)
      assert.equal(taken.length, 1)
      assertOnlyChecked()
    } finally {
      await beside.close()
    }
  })

  test('without the check id would fail the honest request, and let nobody in', async () => {
    assert.ok(plain)
    const without = (text: string): string =>
      edit(text).replace(
        'proxy_set_header Holdfast-Check-Id $request_id;',
        'proxy_set_header Holdfast-Check-Id "";',
      )
    const beside = await openBeside(plain, {}, { edit: without })
    try {
      const { bed, taken } = beside
      assert.equal((await send(bed, { token: bed.token() })).status, 401)
      assert.equal(bed.events.at(-1)?.ruleId, 'replay.proof')
      assert.equal(taken.length, 0)
    } finally {
      await beside.close()
    }
  })
})

/** Bytes between a proxy and the check; loses answers when it is told to. */
interface Relay {
  readonly port: number
  isLosing: boolean
  lost: number
  readonly close: () => void
}

async function openRelay(to: number): Promise<Relay> {
  const sockets = new Set<Socket>()
  const server: Server = createServer(near => {
    const far = connect({ host: '127.0.0.1', port: to })
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.on('data', chunk => {
      if (relay.isLosing) {
        relay.isLosing = false
        relay.lost++
        near.destroy()
      } else near.write(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const relay: Relay = {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    isLosing: false,
    lost: 0,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return relay
}

for (const kind of proxies)
  whereThere(`an answer of the check that is lost on its way to ${kind.name}`, kind.missing, () => {
    test('is asked for again or refuses the request, and never spends the proof into nothing twice', async () => {
      let relay: Relay | undefined
      const checkPort = async ({ checkPort: to }: Beside['bed']): Promise<number> => {
        relay = await openRelay(to)
        return relay.port
      }
      const beside = await openBeside(kind, {}, { checkPort })
      try {
        const { bed, taken, assertOnlyChecked } = beside
        assert.ok(relay)
        assert.equal((await send(bed, { token: bed.token() })).status, 200)
        relay.isLosing = true
        const token = bed.token()
        const proof = proofFor(bed, { token })
        const { status } = await send(bed, { token, proof })
        assert.equal(relay.lost, 1)
        assert.ok([200, 502, 503].includes(status), String(status))
        assert.equal(taken.length, status === 200 ? 2 : 1)
        assert.equal((await send(bed, { token, proof })).status, 401)
        assert.equal((await send(bed, { token: bed.token() })).status, 200)
        assertOnlyChecked()
      } finally {
        await beside.close()
        relay?.close()
      }
    })
  })

for (const kind of proxies)
  whereThere(`an API that breaks off behind ${kind.name}`, kind.missing, () => {
    test('gets a request again only with the same evidence, which an API takes once', async () => {
      const beside = await openBeside(kind)
      try {
        const { bed } = beside
        assert.equal((await send(bed, { token: bed.token() })).status, 200)
        bed.api.listener = incoming => void incoming.socket.destroy()
        for (const method of ['GET', 'DELETE']) {
          const before = bed.received.length
          const { status } = await send(bed, { token: bed.token(), method, path: '/accounts/1' })
          assert.ok([502, 503].includes(status), String(status))
          const targets = bed.received.slice(before).map(({ headers }) => headers['holdfast-evidence'])
          assert.equal(new Set(targets).size, 1)
          // Go sends a GET again over a new connection when a kept one breaks; nothing in the Caddyfile keeps it from that.
          assert.ok(targets.length <= (kind.name === 'Caddy' && method === 'GET' ? 2 : 1))
          bed.lines.length = 0
        }
      } finally {
        await beside.close()
      }
    })
  })

const haproxy = proxies.find(({ name }) => name === 'HAProxy')

whereThere('HAProxy without room for the evidence', haproxy?.missing, () => {
  test('refuses what it cannot put the evidence on', async () => {
    assert.ok(haproxy)
    const edit = (text: string): string =>
      text
        .replace('tune.bufsize 65536', 'tune.bufsize 32768')
        .replace('tune.maxrewrite 16384', 'tune.maxrewrite 1024')
    const beside = await openBeside(haproxy, {}, { edit })
    try {
      const { bed } = beside
      const body = 'a'.repeat(90_000)
      const { status } = await send(bed, { token: bed.token(), method: 'PUT', path: '/files/a', body }).catch(
        () => ({ status: 0 }),
      )
      assert.notEqual(status, 200)
      assert.equal(bed.received.length, 0)
    } finally {
      await beside.close()
    }
  })
})
