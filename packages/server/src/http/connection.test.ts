import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canonicalAddress, prefixOf } from './connection.ts'
import { clientAddressBehind } from './trusted-proxies.ts'

describe('source of a request', () => {
  it('an IPv4 address is counted by /24, an IPv6 address by /56', () => {
    assert.equal(prefixOf('192.0.2.77'), '192.0.2.0/24')
    assert.equal(prefixOf('2001:db8:1:2ff:a::1'), '2001:0db8:0001:0200::/56')
    assert.equal(prefixOf('2001:db8:1:2ab::'), '2001:0db8:0001:0200::/56')
    assert.notEqual(prefixOf('2001:db8:1:200::1'), prefixOf('2001:db8:1:300::1'))
    assert.equal(prefixOf('::1'), '0000:0000:0000:0000::/56')
    assert.equal(prefixOf('fe80::1%eth0'), 'fe80:0000:0000:0000::/56')
  })

  it('an IPv4 address through an IPv6 socket is the same source', () => {
    assert.equal(canonicalAddress('::ffff:192.0.2.7'), '192.0.2.7')
    assert.equal(canonicalAddress('::FFFF:192.0.2.7'), '192.0.2.7')
    assert.equal(canonicalAddress('2001:DB8::1'), '2001:db8::1')
  })

  const behind = (trusted: readonly string[], peer: string, ...forwarded: string[]): string =>
    clientAddressBehind(trusted)(
      peer,
      forwarded.flatMap(value => ['X-Forwarded-For', value]),
    )

  it('without trusted proxies the header does not exist', () => {
    assert.equal(behind([], '10.0.0.1', '198.51.100.7'), '10.0.0.1')
  })

  it('a trusted proxy is believed about the hop before it, and no further than trust goes', () => {
    const trusted = ['10.0.0.0/8', '2001:db8::/32']
    assert.equal(behind(trusted, '10.0.0.1', '198.51.100.7'), '198.51.100.7')
    assert.equal(behind(trusted, '2001:db8::5', '198.51.100.7'), '198.51.100.7')
    assert.equal(behind(trusted, '192.0.2.1', '198.51.100.7'), '192.0.2.1')
    assert.equal(behind(trusted, '10.0.0.1', '1.1.1.1, 198.51.100.7, 10.2.3.4'), '198.51.100.7')
    assert.equal(behind(trusted, '10.0.0.1', '1.1.1.1', '198.51.100.7'), '198.51.100.7')
    assert.equal(behind(trusted, '10.0.0.1', 'nonsense, 10.2.3.4'), '10.2.3.4')
    assert.equal(behind(trusted, '10.0.0.1'), '10.0.0.1')
  })

  it('an entry that is no address or prefix stops the start', () => {
    for (const entry of ['proxy.example', '10.0.0.0/33', '10.0.0.0/x', '', '2001:db8::/129'])
      assert.throws(() => clientAddressBehind([entry]), /is not an address or prefix/)
  })
})
