import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import {
  bodyOf,
  type EdgeWorld,
  formHeader,
  mirror,
  newCertificate,
  openEdgeWorld,
  openPlain,
  readAll,
  request,
  routeTo,
  statusOf,
} from './testing/edge-world.ts'

const post = request('POST /token', [formHeader], 'a=b')

describe('TLS of the listeners', () => {
  let world: EdgeWorld
  before(async () => {
    world = await openEdgeWorld([routeTo(mirror)])
  })
  after(() => world.stop())

  it('plain HTTP on a TLS port gets no protocol answer', async () => {
    for (const port of [world.server.listening.public, world.server.listening.mtls]) {
      const socket = openPlain(port)
      socket.write(post)
      const answer = await readAll(socket, 2000)
      assert.doesNotMatch(answer, /HTTP\/1\.1 200/)
      assert.doesNotMatch(answer, /externalUrl/)
    }
  })

  it('TLS 1.1 and older get an alert and no session', async () => {
    for (const maxVersion of ['TLSv1', 'TLSv1.1'] as const)
      for (const listener of ['public', 'mtls'] as const)
        await assert.rejects(
          world.open({ listener, minVersion: 'TLSv1', maxVersion, ciphers: 'ALL:@SECLEVEL=0' }),
          /alert|version/i,
        )
  })

  it('TLS 1.2 works with each recommended suite and 1.3 is preferred', async () => {
    for (const ciphers of ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES256-GCM-SHA384']) {
      const socket = await world.open({ maxVersion: 'TLSv1.2', ciphers })
      assert.equal(socket.getProtocol(), 'TLSv1.2')
      assert.equal(socket.getCipher().name, ciphers)
      socket.destroy()
    }
    const socket = await world.open()
    assert.equal(socket.getProtocol(), 'TLSv1.3')
    socket.destroy()
  })

  it('TLS 1.2 without ephemeral keys or without AES-GCM is refused', async () => {
    const suites = [
      'AES128-GCM-SHA256',
      'AES128-SHA',
      'ECDHE-RSA-AES128-SHA',
      'ECDHE-RSA-AES128-SHA256',
      'DHE-RSA-AES128-GCM-SHA256',
      'ECDHE-RSA-CHACHA20-POLY1305',
    ]
    for (const suite of suites)
      await assert.rejects(
        world.open({ maxVersion: 'TLSv1.2', ciphers: `${suite}:@SECLEVEL=0` }),
        /alert|handshake/i,
        suite,
      )
  })

  it('the public listener never asks for a certificate, and one in a header is nothing', async () => {
    const client = await newCertificate({ subject: 'CN=a', key: 'ecdsa', purpose: 'client', days: 1 })
    const answer = await world.raw(
      request('POST /token', [formHeader, 'X-Client-Cert: MIIB', 'X-SSL-Client-Cert: MIIB'], 'a=b'),
      { cert: client.certPem, key: client.keyPem },
    )
    const seen = JSON.parse(bodyOf(answer))
    assert.equal(seen.listener, 'public')
    assert.equal(seen.thumbprint, undefined)
    assert.equal(seen.externalUrl, 'https://as.example/token')
  })

  it('the mutual-TLS listener asks, takes any certificate, and hands its thumbprint to the room', async () => {
    const client = await newCertificate({ subject: 'CN=a', key: 'ecdsa', purpose: 'client', days: 1 })
    const how = { listener: 'mtls', cert: client.certPem, key: client.keyPem } as const
    const answer = await world.raw(post, how)
    const seen = JSON.parse(bodyOf(answer))
    const { raw } = new X509Certificate(client.certPem)
    assert.equal(seen.thumbprint, createHash('sha256').update(raw).digest('base64url'))
    assert.equal(seen.listener, 'mtls')
    assert.equal(seen.externalUrl, 'https://mtls.as.example/token')
  })

  it('the mutual-TLS listener serves a client without certificate, and the room sees none', async () => {
    const answer = await world.raw(post, { listener: 'mtls' })
    assert.equal(statusOf(answer), 200)
    assert.equal(JSON.parse(bodyOf(answer)).thumbprint, undefined)
  })

  it('two connections with different certificates are never mixed up, also when a session is resumed', async () => {
    const one = await newCertificate({ subject: 'CN=one', key: 'ecdsa', purpose: 'client', days: 1 })
    const two = await newCertificate({ subject: 'CN=two', key: 'ecdsa', purpose: 'client', days: 1 })
    const seenWith = async (pair: typeof one, session?: Buffer): Promise<string> => {
      const how = { listener: 'mtls', cert: pair.certPem, key: pair.keyPem } as const
      return JSON.parse(bodyOf(await world.raw(post, session === undefined ? how : { ...how, session })))
        .thumbprint
    }
    const socket = await world.open({ listener: 'mtls', cert: one.certPem, key: one.keyPem })
    const session = await new Promise<Buffer>(resolve => {
      socket.once('session', resolve)
      socket.write(post)
    })
    socket.destroy()
    const [first, second] = [await seenWith(one), await seenWith(two)]
    assert.notEqual(first, second)
    assert.ok([first, undefined].includes(await seenWith(one, session)))
  })
})
