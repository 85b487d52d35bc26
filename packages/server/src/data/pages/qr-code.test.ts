import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type ReadQr, readQr } from '../testing/qr-reader.ts'
import { type QrModules, qrCode } from './qr-code.ts'
import { qrSvg } from './qr-svg.ts'

const quiet = 4
const scale = 3

/** What a camera that stands straight in front of it would see. */
function read(modules: QrModules): ReturnType<ReadQr> {
  const width = (modules.length + 2 * quiet) * scale
  const pixels = new Uint8ClampedArray(width * width * 4).fill(255)
  for (let y = 0; y < width; y++)
    for (let x = 0; x < width; x++) {
      const isDark = modules[Math.floor(y / scale) - quiet]?.[Math.floor(x / scale) - quiet] === true
      if (isDark) pixels.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3)
    }
  return readQr(pixels, width, width)
}

function modulesOf(text: string): QrModules {
  const modules = qrCode(text)
  assert.ok(modules)
  return modules
}

/** Bytes that versions 1 to 20 hold at level M (ISO/IEC 18004, table 7). */
const capacities = [
  14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666,
]

describe('a QR code', () => {
  it('of every version, just full and one byte more, is read by an independent reader', () => {
    for (const [index, capacity] of capacities.entries()) {
      const version = index + 1
      const text = Array.from({ length: capacity }, (_, at) =>
        String.fromCharCode(33 + ((at * 7) % 90)),
      ).join('')
      const modules = modulesOf(text)
      assert.equal(modules.length, 17 + 4 * version)
      const found = read(modules)
      assert.deepEqual([found?.data, found?.version], [text, version], `version ${version}`)
      const longer = qrCode(`${text}x`)
      assert.equal(longer?.length, version === capacities.length ? undefined : 21 + 4 * version)
    }
  })

  it('of any short text is read as that text, byte for byte', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60, unit: 'grapheme' }), text => {
        fc.pre(text !== '' && Buffer.from(text).length <= 666)
        assert.deepEqual(Buffer.from(read(modulesOf(text))?.binaryData ?? []), Buffer.from(text))
      }),
      { numRuns: 60 },
    )
  })

  it('is still read when a part of it is damaged', () => {
    const text = 'otpauth://totp/as.example:alice?secret=JBSWY3DPEHPK3PXP'
    const modules = modulesOf(text).map(row => [...row])
    const middle = Math.floor(modules.length / 2)
    for (let y = middle; y < middle + 4; y++)
      for (let x = middle; x < middle + 4; x++) {
        const row = modules[y]
        if (row !== undefined) row[x] = row[x] !== true
      }
    assert.equal(read(modules)?.data, text)
  })

  it('is drawn as one path with its quiet zone, with words for who does not see it', () => {
    const svg = String(qrSvg('hello', 'x', 'A "code" & more'))
    const modules = modulesOf('hello')
    assert.match(
      svg,
      /^<svg id="x" class="qr" role="img" aria-label="A &quot;code&quot; &amp; more" viewBox="0 0 29 29"/,
    )
    assert.doesNotMatch(svg, /style|href|script/)
    const drawn = modules.map(row => row.map(() => false))
    for (const [, x = '', y = '', run = ''] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g))
      for (let step = 0; step < Number(run); step++) {
        const row = drawn[Number(y) - quiet]
        if (row !== undefined) row[Number(x) - quiet + step] = true
      }
    assert.deepEqual(drawn, modules)
    assert.equal(qrSvg('x'.repeat(667), 'x', 'x'), undefined)
  })
})
