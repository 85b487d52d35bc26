import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { GeographyBuilder, type GeographyRow, noGeography } from './geography.ts'

function geographyOf(...rows: readonly (readonly [string, number, number])[]) {
  const builder = new GeographyBuilder()
  for (const [network, latitude, longitude] of rows)
    assert.equal(builder.add({ network, latitude, longitude, country: '' }), undefined)
  return builder.build()
}

describe('where addresses are', () => {
  it('the narrowest network says it, whatever the order, and between networks nobody knows', () => {
    const rows = [
      ['198.51.100.64/26', 10.4, 20.6],
      ['198.51.100.0/24', 1, 2],
      ['203.0.113.0/24', -33.9, 151.2],
      ['198.51.100.80/32', 5, 6],
      ['198.51.101.0/24', 7, 8],
    ] as const
    for (const order of [rows, rows.toReversed()]) {
      const { placeOf, networks } = geographyOf(...order)
      const told = (address: string) => placeOf(address) && Object.values(placeOf(address) ?? {})
      assert.equal(networks, 5)
      assert.deepEqual(
        ['198.51.100.0', '198.51.100.63', '198.51.100.64', '198.51.100.79', '198.51.100.80'].map(told),
        [
          [1, 2],
          [1, 2],
          [10, 21],
          [10, 21],
          [5, 6],
        ],
      )
      assert.deepEqual(
        ['198.51.100.81', '198.51.100.127', '198.51.100.128', '198.51.100.255', '198.51.101.0'].map(told),
        [
          [10, 21],
          [10, 21],
          [1, 2],
          [1, 2],
          [7, 8],
        ],
      )
      assert.deepEqual(
        ['198.51.99.255', '198.51.102.0', '0.0.0.0', '255.255.255.255', '', 'x', '::', '::1'].map(told),
        Array.from({ length: 8 }, () => undefined),
      )
      assert.deepEqual(placeOf('203.0.113.7'), { latitude: -34, longitude: 151 })
    }
  })

  it('both families, from the first address to the last', () => {
    const { placeOf } = geographyOf(
      ['0.0.0.0/0', 1, 1],
      ['::/0', 2, 2],
      ['2001:db8::/32', 3, 3],
      ['2001:db8:0:1::/64', 4, 4],
      ['255.255.255.255/32', 90, 180],
      ['ffff:ffff:ffff:ffff::/64', -90, -180],
    )
    const latitudes = ['0.0.0.0', '255.255.255.254', '255.255.255.255', '::', '2001:db8::1'].map(
      address => placeOf(address)?.latitude,
    )
    assert.deepEqual(latitudes, [1, 1, 90, 2, 3])
    assert.deepEqual(
      ['2001:db8:0:1::9', '2001:db8:0:2::', '2001:db9::', 'ffff:ffff:ffff:ffff::1'].map(
        address => placeOf(address)?.latitude,
      ),
      [4, 3, 2, -90],
    )
  })

  it('one search says what asking every network would', () => {
    const bits = fc.integer({ min: 0, max: 32 })
    const network = fc.record({
      at: fc.integer({ min: 0, max: 15 }),
      bits,
      latitude: fc.option(fc.integer({ min: -90, max: 90 }), { nil: '' as const }),
      country: fc.constantFrom('', 'AA', 'DE', 'ZZ'),
    })
    fc.assert(
      fc.property(fc.array(network, { maxLength: 12 }), fc.integer({ min: 0, max: 63 }), (all, last) => {
        const builder = new GeographyBuilder()
        for (const { at, bits, latitude, country } of all) {
          const longitude = latitude === '' ? '' : 0
          const row = { network: `10.0.0.${at * 4}/${bits}`, latitude, longitude, country }
          assert.equal(builder.add(row), undefined)
        }
        const covers = ({ at, bits }: { at: number; bits: number }): boolean => {
          const size = 2 ** (32 - bits)
          const base = 10 * 2 ** 24
          return Math.floor((base + at * 4) / size) === Math.floor((base + last) / size)
        }
        const narrowest = (says: (one: (typeof all)[number]) => boolean) =>
          all
            .filter(one => covers(one) && says(one))
            .reduce<(typeof all)[number] | undefined>(
              (best, one) => (best === undefined || one.bits >= best.bits ? one : best),
              undefined,
            )
        const { placeOf, countryOf } = builder.build()
        const address = `10.0.0.${last}`
        assert.equal(placeOf(address)?.latitude, narrowest(({ latitude }) => latitude !== '')?.latitude)
        assert.equal(countryOf(address), narrowest(({ country }) => country !== '')?.country)
      }),
    )
  })

  for (const [name, spoil] of [
    ['no network', { network: 'nowhere' }],
    ['an address alone', { network: '192.0.2.0' }],
    ['a prefix of a prefix', { network: '192.0.2.0/24/7' }],
    ['too long a prefix', { network: '192.0.2.0/33' }],
    ['a prefix of IPv6 longer than 64 bits', { network: '2001:db8::/65' }],
    ['a sign', { network: '192.0.2.0/-1' }],
    ['a latitude beyond the pole', { latitude: 90.1 }],
    ['a longitude beyond the date line', { longitude: '-180.5' }],
    ['a text', { latitude: '52n' }],
    ['nothing', { latitude: '' }],
    ['no number', { latitude: Number.NaN }],
    ['infinity', { longitude: Number.POSITIVE_INFINITY }],
    ['the name of a country', { country: 'Germany' }],
    ['a country in small letters', { country: 'de' }],
    ['a country of three letters', { country: 'DEU' }],
  ] as const)
    it(`${name} is refused`, () => {
      const row: GeographyRow = {
        network: '192.0.2.0/24',
        latitude: '52.5',
        longitude: 13,
        country: 'DE',
        ...spoil,
      }
      assert.match(new GeographyBuilder().add(row) ?? '', /network|longer|degrees|country/)
    })

  it('a network says where it is, in which country, or both; what it does not say the one around it says', () => {
    const builder = new GeographyBuilder()
    for (const [network, latitude, longitude, country] of [
      ['192.0.2.0/24', 52.5, 13.4, 'DE'],
      ['192.0.2.64/26', '', '', 'FR'],
      ['192.0.2.128/26', '48', '2', ''],
      ['198.51.100.0/24', '', '', 'AU'],
      ['2001:db8::/32', '', '', 'US'],
    ] as const)
      assert.equal(builder.add({ network, latitude, longitude, country }), undefined)
    const { placeOf, countryOf } = builder.build()
    const told = (address: string) => [countryOf(address), placeOf(address)?.latitude]
    assert.deepEqual(
      ['192.0.2.1', '192.0.2.64', '192.0.2.128', '192.0.2.192', '198.51.100.9', '2001:db8::1'].map(told),
      [
        ['DE', 53],
        ['FR', 53],
        ['DE', 48],
        ['DE', 53],
        ['AU', undefined],
        ['US', undefined],
      ],
    )
    for (const address of ['192.0.3.0', '192.0.1.255', '2001:db9::', '', 'x'])
      assert.deepEqual(told(address), [undefined, undefined])
  })

  it('without data nobody knows', () => {
    assert.equal(noGeography.placeOf('192.0.2.1'), undefined)
    assert.equal(noGeography.countryOf('192.0.2.1'), undefined)
    assert.equal(new GeographyBuilder().build().placeOf('192.0.2.1'), undefined)
  })
})
