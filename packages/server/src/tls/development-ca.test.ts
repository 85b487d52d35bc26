import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import { systemClock } from '../clock.ts'
import { withFolder } from '../http/testing/edge-world.ts'
import { openDevelopmentCa } from './development-ca.ts'

const now = systemClock.now()
const days = (count: number): EpochSeconds => secondsAfter(now, count * 86_400)

describe('the development CA', () => {
  it('makes an RSA server certificate for this machine that chains to it', () =>
    withFolder(async folder => {
      const ca = await openDevelopmentCa(folder, now)
      const server = new X509Certificate(ca.server.certPem)
      assert.ok(server.verify(new X509Certificate(ca.caPem).publicKey))
      assert.ok(server.checkIssued(new X509Certificate(ca.caPem)))
      assert.equal(server.publicKey.asymmetricKeyType, 'rsa')
      assert.equal(server.publicKey.asymmetricKeyDetails?.modulusLength, 2048)
      assert.ok(server.checkHost('localhost'))
      assert.ok(server.checkIP('127.0.0.1') && server.checkIP('::1'))
      assert.ok(!server.checkHost('example.com'))
      assert.ok(!server.ca && new X509Certificate(ca.caPem).ca)
    }))

  it('keeps its keys to the owner', () =>
    withFolder(async folder => {
      const ca = await openDevelopmentCa(folder, now)
      const client = await ca.clientCertificate('demo', 'CN=demo', 'issued')
      for (const path of [join(folder, 'ca.key'), ca.server.keyPath, client.keyPath])
        assert.equal((await stat(path)).mode & 0o777, 0o600)
    }))

  it('a restart reuses everything', () =>
    withFolder(async folder => {
      const first = await openDevelopmentCa(folder, now)
      const client = await first.clientCertificate('demo', 'CN=demo', 'self-signed')
      const second = await openDevelopmentCa(folder, days(1))
      assert.deepEqual(second.server, first.server)
      assert.equal(second.caPem, first.caPem)
      assert.deepEqual(await second.clientCertificate('demo', 'CN=demo', 'self-signed'), client)
    }))

  it('a certificate near its end is renewed under the same authority', () =>
    withFolder(async folder => {
      const first = await openDevelopmentCa(folder, now)
      const kept = await openDevelopmentCa(folder, days(359))
      assert.equal(kept.server.certPem, first.server.certPem)
      const renewed = await openDevelopmentCa(folder, days(361))
      assert.notEqual(renewed.server.certPem, first.server.certPem)
      assert.equal(renewed.caPem, first.caPem)
    }))

  it('damaged files and a foreign key are replaced', () =>
    withFolder(async folder => {
      const first = await openDevelopmentCa(folder, now)
      await writeFile(first.server.keyPath, await readFile(join(folder, 'ca.key')))
      const second = await openDevelopmentCa(folder, now)
      assert.notEqual(second.server.keyPem, first.server.keyPem)
      await writeFile(join(folder, 'ca.pem'), 'not a certificate')
      const third = await openDevelopmentCa(folder, now)
      assert.ok(new X509Certificate(third.server.certPem).verify(new X509Certificate(third.caPem).publicKey))
    }))

  it('makes client certificates, issued and self-signed, with the subject asked for', () =>
    withFolder(async folder => {
      const ca = await openDevelopmentCa(folder, now)
      const authority = new X509Certificate(ca.caPem)
      const issued = new X509Certificate(
        (await ca.clientCertificate('a', 'CN=bank, O=Example', 'issued')).certPem,
      )
      assert.match(issued.subject, /CN=bank/)
      assert.match(issued.subject, /O=Example/)
      assert.ok(issued.verify(authority.publicKey))
      const own = new X509Certificate((await ca.clientCertificate('b', 'CN=own', 'self-signed')).certPem)
      assert.ok(own.verify(own.publicKey))
      assert.ok(!own.verify(authority.publicKey))
      assert.throws(() => ca.clientCertificate('../x', 'CN=x', 'issued'))
    }))
})
