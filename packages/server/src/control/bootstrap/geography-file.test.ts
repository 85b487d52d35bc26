import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { readGeography } from './geography-file.ts'

function read(t: TestContext, text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-geography-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'places')
  writeFileSync(path, text)
  return readGeography(path)
}

const berlin = { latitude: 53, longitude: 13 }

describe('a geography file', () => {
  for (const [name, text] of [
    ['CSV', 'network,latitude,longitude\n192.0.2.0/24,52.52,13.4\n2001:db8::/32,1,2\n'],
    [
      'CSV with more columns, in another order',
      'longitude,country,latitude,network\r\n13.4,DE,52.52,192.0.2.0/24\r\n',
    ],
    ['CSV with quotes', 'network,city,latitude,longitude\n192.0.2.0/24,"Berlin, ""Mitte""",52.52,"13.4"\n'],
    [
      'CSV with a byte order mark and empty lines',
      '\uFEFFnetwork,latitude,longitude\n\n192.0.2.0/24,52.52,13.4',
    ],
    ['CSV where a place is missing', 'network,latitude,longitude\n192.0.0.0/8,,\n192.0.2.0/24,52.52,13.4'],
    [
      'a JSON object on each line',
      '{"network":"192.0.2.0/24","latitude":52.52,"longitude":13.4,"country":"DE"}\n',
    ],
  ] as const)
    it(`may be ${name}`, t => {
      const found = read(t, text)
      assert.ok(found.ok, JSON.stringify(found))
      assert.deepEqual(found.value.placeOf('192.0.2.77'), berlin)
      assert.equal(found.value.placeOf('198.51.100.1'), undefined)
    })

  for (const [name, text] of [
    ['countries alone', 'network,country\n192.0.2.0/24,DE\n198.51.100.0/24,\n'],
    ['countries beside places', 'network,latitude,longitude,country\n192.0.2.0/24,,,DE\n'],
    ['countries alone, as JSON', '{"network":"192.0.2.0/24","country":"DE"}\n{"network":"198.51.100.0/24"}'],
  ] as const)
    it(`may tell ${name}`, t => {
      const found = read(t, text)
      assert.ok(found.ok, JSON.stringify(found))
      const { countryOf, placeOf, networks } = found.value
      assert.deepEqual([networks, countryOf('192.0.2.77'), placeOf('192.0.2.77')], [1, 'DE', undefined])
      assert.equal(countryOf('198.51.100.1'), undefined)
    })

  it('larger than one chunk is read to its end, also in the middle of a line', t => {
    const lines = Array.from({ length: 20_000 }, (_, at) => `10.${at >> 8}.${at & 255}.0/24,${at % 90},7`)
    const found = read(t, `network,latitude,longitude\n${lines.join('\n')}`)
    assert.ok(found.ok)
    assert.equal(found.value.networks, 20_000)
    for (const at of [0, 2999, 3000, 12_345, 19_999])
      assert.equal(found.value.placeOf(`10.${at >> 8}.${at & 255}.9`)?.latitude, at % 90)
  })

  for (const [name, text, says] of [
    ['without names of columns', '192.0.2.0/24,1,2\n', /:1 .*names no columns/],
    [
      'with a wrong network',
      'network,latitude,longitude\n192.0.2.0/24,1,2\nx,1,2\n',
      /:3 .*is not a network/,
    ],
    ['with half a place', 'network,latitude,country\n192.0.2.0/24,1,DE\n', /:1 .*names no columns/],
    ['with networks and nothing of them', 'network\n192.0.2.0/24\n', /:1 .*names no columns/],
    ['with a wrong country', 'network,country\n192.0.2.0/24,Germany\n', /:2 .*`Germany` is not a country/],
    [
      'with half a place in JSON',
      '{"network":"192.0.2.0/24","latitude":1,"country":"DE"}',
      /:1 .*another form/,
    ],
    ['with a number for a country', '{"network":"192.0.2.0/24","country":49}', /:1 .*another form/],
    ['with a wrong place', 'network,latitude,longitude\n192.0.2.0/24,91,2\n', /:2 .*degrees/],
    ['with a short line', 'network,latitude,longitude\n192.0.2.0/24,1\n', /:2 .*another form/],
    ['with an open quote', 'network,latitude,longitude\n192.0.2.0/24,"1,2\n', /:2 .*another form/],
    [
      'that changes its form',
      '{"network":"192.0.2.0/24","latitude":1,"longitude":2}\na,b,c\n',
      /:2 .*another form/,
    ],
    [
      'with a text for a number',
      '{"network":"192.0.2.0/24","latitude":"1","longitude":2}',
      /:1 .*another form/,
    ],
    ['with a line of 5000 characters', `network,latitude,longitude\n${'x'.repeat(5000)}`, /:2 .*too long/],
    ['with a line without an end', `network,latitude,longitude\n${'x'.repeat(200_000)}`, /:2 .*too long/],
  ] as const)
    it(`${name} is refused, with the line`, t => {
      const found = read(t, text)
      assert.ok(!found.ok)
      const [problem] = found.problems
      assert.match(`${problem?.document} ${problem?.message}`, says)
    })

  it('that is not there is refused', () => {
    const found = readGeography('/nowhere/places.csv')
    assert.ok(!found.ok)
    assert.match(found.problems[0]?.message ?? '', /ENOENT/)
  })
})
