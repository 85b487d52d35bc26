import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { bodyBytesMax } from '@holdfast/protocol/specs/authzen/rules.ts'
import { prepareEntities } from '../decide.ts'
import { compilePolicySet } from '../policy-set.ts'
import { must } from '../testing/bank.ts'
import { authzenMetadata, authzenPaths } from './http.ts'
import { pdpListener } from './node.ts'
import { createPdp, type DecisionRecord } from './pdp.ts'

const url = 'https://pdp.example'
const path = authzenPaths.access_evaluation_endpoint
const set = must(
  compilePolicySet({
    schema: {
      name: 's',
      text: 'entity user, thing; action read appliesTo { principal: user, resource: thing, context: {} };',
    },
    policies: { p: '@id("ada") permit (principal == user::"adä", action, resource);' },
  }),
)
const entities = must(
  prepareEntities(set, [
    { uid: { type: 'user', id: 'adä' }, attrs: {}, parents: [] },
    { uid: { type: 'user', id: 'bob' }, attrs: {}, parents: [] },
  ]),
)
const deciding = { set, entities, givenTypes: ['thing'] }

interface World extends AsyncDisposable {
  readonly port: number
  readonly log: DecisionRecord[]
  readonly faults: unknown[]
  readonly asked: IncomingMessage[]
}

async function open(onDecision: (record: DecisionRecord) => void = () => {}): Promise<World> {
  const [log, faults, asked]: [DecisionRecord[], unknown[], IncomingMessage[]] = [[], [], []]
  const pdp = createPdp({
    deciding: () => deciding,
    onDecision: record => {
      log.push(record)
      onDecision(record)
    },
  })
  const server = createServer(
    pdpListener<IncomingMessage>({
      ...{ pdp, url, challenge: 'Bearer realm="pdp"' },
      authenticate: async request => {
        asked.push(request)
        return request.headers.authorization === 'Bearer pep'
      },
      onFault: cause => faults.push(cause),
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    ...{ log, faults, asked },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const question = (id: string, more: object = {}): string =>
  JSON.stringify({
    subject: { type: 'user', id },
    action: { name: 'read' },
    resource: { type: 'thing', id: 't' },
    ...more,
  })

const headers = { authorization: 'Bearer pep', 'content-type': 'application/json' }

function ask(
  world: World,
  body: string | Uint8Array<ArrayBuffer>,
  more: RequestInit = {},
  at: string = path,
) {
  return fetch(`http://127.0.0.1:${world.port}${at}`, { method: 'POST', headers, body, ...more })
}

describe('a decision point as a listener of node:http', () => {
  it('answers as the handler does: decisions, a query beside the path, the metadata', async () => {
    await using world = await open()
    const permitted = await ask(world, question('adä'), {}, `${path}?x=1`)
    assert.deepEqual(
      [permitted.status, permitted.headers.get('content-type'), permitted.headers.get('cache-control')],
      [200, 'application/json', 'no-store'],
    )
    assert.deepEqual(await permitted.json(), {
      decision: true,
      context: { policy_version: set.version, determining_policies: ['ada'] },
    })
    assert.equal(
      ((await (await ask(world, question('bob'))).json()) as { decision: boolean }).decision,
      false,
    )
    assert.equal(world.log.length, 2)
    const metadata = await fetch(`http://127.0.0.1:${world.port}/.well-known/authzen-configuration`)
    assert.deepEqual(await metadata.json(), authzenMetadata(url))
  })

  it('refuses by path, method, caller and content type, in this order, and reads no body before', async () => {
    await using world = await open()
    const stranger = { headers: { 'content-type': 'application/json' } }
    assert.equal((await ask(world, '{}', stranger, '/access/v1/elsewhere')).status, 404)
    assert.equal((await ask(world, '{}', stranger, `${path}/`)).status, 404)
    const get = await fetch(`http://127.0.0.1:${world.port}${path}`)
    assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST'])
    assert.deepEqual(world.asked, [])
    const nobody = await ask(world, 'x'.repeat(bodyBytesMax + 1), stranger)
    assert.deepEqual([nobody.status, nobody.headers.get('www-authenticate')], [401, 'Bearer realm="pdp"'])
    const text = await ask(world, question('adä'), { headers: { ...headers, 'content-type': 'text/plain' } })
    assert.equal(text.status, 400)
    assert.deepEqual([world.log, world.faults], [[], []])
  })

  it('reads a body to its last byte, and no byte more', async () => {
    await using world = await open()
    const filled = (bytes: number): string =>
      question('bob', { x: 'x'.repeat(bytes - question('bob', { x: '' }).length) })
    assert.equal((await ask(world, filled(bodyBytesMax))).status, 200)
    const tooLong = await ask(world, filled(bodyBytesMax + 1))
    assert.deepEqual([tooLong.status, tooLong.headers.get('connection')], [413, 'close'])
    assert.equal(world.log.length, 1)
  })

  it('a letter cut in two by the network is still that letter, and half a letter is none', async () => {
    await using world = await open()
    const bytes = Buffer.from(question('adä'))
    const cut = bytes.indexOf(0xc3) + 1
    const socket = await sendHead(world, bytes.length)
    socket.write(bytes.subarray(0, cut))
    await new Promise(resolve => setTimeout(resolve, 20))
    socket.end(bytes.subarray(cut))
    assert.match(await textOf(socket), /"decision":true/)
    assert.equal((await ask(world, Buffer.from(question('adä'), 'latin1'))).status, 400)
    assert.equal(world.log.length, 1)
  })

  it('gives the id of the request back, when it is one', async () => {
    await using world = await open()
    const idOf = async (id: string) =>
      (await ask(world, question('bob'), { headers: { ...headers, 'x-request-id': id } })).headers.get(
        'x-request-id',
      )
    assert.deepEqual(
      [await idOf('abc-1'), await idOf('x'.repeat(129)), await idOf('a b')],
      ['abc-1', null, null],
    )
  })

  it('a log that fails permits nothing, and says why to us alone', async () => {
    const cause = new Error('disk full of secrets')
    await using world = await open(() => {
      throw cause
    })
    const answer = await ask(world, question('adä'))
    assert.equal(answer.status, 500)
    assert.equal(await answer.text(), '"it could not be decided"')
    assert.deepEqual(world.faults, [cause])
  })

  it('whoever leaves in the middle of a question has asked none, and nobody waits', async () => {
    await using world = await open()
    const socket = await sendHead(world, 1000)
    socket.write('{')
    while (world.asked.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    socket.destroy()
    const until = Date.now() + 5000
    while (world.faults.length === 0 && Date.now() < until)
      await new Promise(resolve => setTimeout(resolve, 5))
    assert.equal(world.faults.length, 1)
    assert.deepEqual(world.log, [])
  })
})

async function sendHead({ port }: World, length: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const fields = ['Host: pdp.example', `Authorization: ${headers.authorization}`, 'Connection: close']
  socket.write(
    `POST ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`,
  )
  return socket
}
