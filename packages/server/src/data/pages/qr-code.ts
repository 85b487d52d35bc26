import { reedSolomon } from './reed-solomon.ts'

/** A QR code: rows of modules, true is dark. Without the quiet zone of four modules that belongs around it. */
export type QrModules = readonly (readonly boolean[])[]

/** Of each version from 1 on, at level M: codewords of correction in a block, and blocks (ISO/IEC 18004, table 9). */
const corrections: readonly (readonly [codewordsInBlock: number, blocks: number])[] = [
  [10, 1],
  [16, 1],
  [26, 1],
  [18, 2],
  [24, 2],
  [16, 4],
  [18, 4],
  [22, 4],
  [22, 5],
  [26, 5],
  [30, 5],
  [22, 8],
  [22, 9],
  [24, 9],
  [24, 10],
  [28, 10],
  [28, 11],
  [26, 13],
  [26, 14],
  [26, 16],
]

/** A symbol under construction: `undefined` is a module that data may take. */
type Grid = (boolean | undefined)[][]

/**
 * The text as a QR code of byte mode and level M, which stands a seventh of it being hidden.
 * @returns undefined when the text has more than 666 bytes: nobody wants to scan that
 */
export function qrCode(text: string): QrModules | undefined {
  const bytes = Buffer.from(text)
  const version = corrections.findIndex((_, index) => bytes.length <= bytesIn(index + 1)) + 1
  if (version === 0) return undefined
  const frame = frameOf(version)
  const bits = bitsOf(interleaved(codewordsOf(bytes, version), version))
  const masked = masks.map((isInverted, mask) => symbolOf(frame, bits, mask, isInverted))
  const [first, ...others] = masked
  if (first === undefined) throw new TypeError('there are eight masks')
  return others.reduce((best, one) => (penaltyOf(one) < penaltyOf(best) ? one : best), first)
}

function sizeOf(version: number): number {
  return 17 + 4 * version
}

/** Codewords of data and correction that a version has room for. */
function codewordsIn(version: number): number {
  const places = alignmentsOf(version).length
  const alignments = places === 0 ? 0 : places * places - 3
  // On the two timing lines, five of their modules each are counted twice.
  const onTiming = places === 0 ? 0 : 2 * (places - 2) * 5
  const size = sizeOf(version)
  const fixed = 3 * 64 + 2 * (size - 16) + 25 * alignments - onTiming + 31 + (version < 7 ? 0 : 36)
  return Math.floor((size * size - fixed) / 8)
}

function correctionOf(version: number): { readonly inBlock: number; readonly blocks: number } {
  const [inBlock = 0, blocks = 1] = corrections[version - 1] ?? []
  return { inBlock, blocks }
}

function dataCodewordsIn(version: number): number {
  const { inBlock, blocks } = correctionOf(version)
  return codewordsIn(version) - inBlock * blocks
}

function lengthBitsOf(version: number): number {
  return version < 10 ? 8 : 16
}

function bytesIn(version: number): number {
  return Math.floor((dataCodewordsIn(version) * 8 - 4 - lengthBitsOf(version)) / 8)
}

/** Mode, length, bytes, end, and the two fillers in turn. */
function codewordsOf(bytes: Buffer, version: number): readonly number[] {
  const count = dataCodewordsIn(version)
  const lengthBits = lengthBitsOf(version)
  const head = `0100${bytes.length.toString(2).padStart(lengthBits, '0')}`
  const body = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  const used = `${head}${body}0000`.slice(0, count * 8)
  const octets = used.padEnd(Math.ceil(used.length / 8) * 8, '0').match(/.{8}/g) ?? []
  const codewords = octets.map(octet => Number.parseInt(octet, 2))
  return Array.from(
    { length: count },
    (_, index) => codewords[index] ?? ((index - codewords.length) % 2 === 0 ? 0xec : 0x11),
  )
}

/** Blocks side by side: the first codeword of each, the second of each, and so on, data before correction. */
function interleaved(data: readonly number[], version: number): readonly number[] {
  const { inBlock, blocks } = correctionOf(version)
  const shorter = Math.floor(data.length / blocks)
  const shortBlocks = blocks - (data.length % blocks)
  const startOf = (block: number): number => block * shorter + Math.max(0, block - shortBlocks)
  const parts = Array.from({ length: blocks }, (_, block) => data.slice(startOf(block), startOf(block + 1)))
  const checks = parts.map(part => reedSolomon(part, inBlock))
  const inTurn = (lists: readonly (readonly number[])[], length: number): readonly number[] =>
    Array.from({ length }, (_, index) => lists.flatMap(list => list[index] ?? [])).flat()
  return [...inTurn(parts, shorter + 1), ...inTurn(checks, inBlock)]
}

function bitsOf(codewords: readonly number[]): readonly boolean[] {
  return codewords.flatMap(codeword =>
    Array.from({ length: 8 }, (_, bit) => ((codeword >> (7 - bit)) & 1) === 1),
  )
}

/** Everything but data: finders, timing, alignment, version; the place of the format is kept free. */
function frameOf(version: number): Grid {
  const size = sizeOf(version)
  const grid: Grid = Array.from({ length: size }, () => Array.from({ length: size }, () => undefined))
  for (let index = 0; index < size; index++) {
    set(grid, index, 6, index % 2 === 0)
    set(grid, 6, index, index % 2 === 0)
  }
  for (const [x, y] of [
    [3, 3],
    [size - 4, 3],
    [3, size - 4],
  ] as const)
    drawFinder(grid, x, y)
  const places = alignmentsOf(version)
  for (const x of places)
    for (const y of places) {
      const isOnFinder = (x === 6 && (y === 6 || y === size - 7)) || (x === size - 7 && y === 6)
      if (!isOnFinder) drawRings(grid, x, y, 2)
    }
  drawFormat(grid, 0)
  if (version >= 7) drawVersion(grid, version)
  return grid
}

function set(grid: Grid, x: number, y: number, isDark: boolean): void {
  const row = grid[y]
  if (row !== undefined && x >= 0 && x < row.length) row[x] = isDark
}

function drawFinder(grid: Grid, x: number, y: number): void {
  drawRings(grid, x, y, 4)
}

/** Rings around a dark middle, from the inside: of a finder the one at 2 and at 4 is light, of an alignment at 1. */
function drawRings(grid: Grid, x: number, y: number, radius: 2 | 4): void {
  const light = radius === 4 ? [2, 4] : [1]
  for (let dy = -radius; dy <= radius; dy++)
    for (let dx = -radius; dx <= radius; dx++)
      set(grid, x + dx, y + dy, !light.includes(Math.max(Math.abs(dx), Math.abs(dy))))
}

/** Coordinates at whose crossings the alignment patterns stand. */
function alignmentsOf(version: number): readonly number[] {
  if (version === 1) return []
  const count = Math.floor(version / 7) + 2
  const last = sizeOf(version) - 7
  const step = Math.ceil((last - 6) / (count - 1) / 2) * 2
  return [6, ...Array.from({ length: count - 1 }, (_, index) => last - (count - 2 - index) * step)]
}

/** Level M and the mask, twice, with their own correction. */
function drawFormat(grid: Grid, mask: number): void {
  const bits = withRemainder(mask, 10, 0x537) ^ 0x5412
  const size = grid.length
  for (let bit = 0; bit < 15; bit++) {
    const isDark = ((bits >> bit) & 1) === 1
    // Beside the finder at the top left, around its corner.
    if (bit < 6) set(grid, 8, bit, isDark)
    else if (bit < 8) set(grid, 8, bit + 1, isDark)
    else if (bit === 8) set(grid, 7, 8, isDark)
    else set(grid, 14 - bit, 8, isDark)
    // Beside the two others.
    if (bit < 8) set(grid, size - 1 - bit, 8, isDark)
    else set(grid, 8, size - 15 + bit, isDark)
  }
  set(grid, 8, size - 8, true)
}

function drawVersion(grid: Grid, version: number): void {
  const bits = withRemainder(version, 12, 0x1f25)
  for (let bit = 0; bit < 18; bit++) {
    const isDark = ((bits >> bit) & 1) === 1
    const [along, across] = [Math.floor(bit / 3), grid.length - 11 + (bit % 3)]
    set(grid, along, across, isDark)
    set(grid, across, along, isDark)
  }
}

/** A value followed by the remainder of its division by a polynomial over two elements. */
function withRemainder(value: number, bits: number, polynomial: number): number {
  let remainder = value
  for (let turn = 0; turn < bits; turn++)
    remainder = (remainder << 1) ^ ((remainder >> (bits - 1)) * polynomial)
  return (value << bits) | remainder
}

type Mask = (x: number, y: number) => boolean

const masks: readonly Mask[] = [
  (x, y) => (x + y) % 2 === 0,
  (_x, y) => y % 2 === 0,
  x => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
]

/** Data goes up and down in columns of two, from the right, around everything that stands there. */
function symbolOf(frame: Grid, bits: readonly boolean[], mask: number, isInverted: Mask): QrModules {
  const grid = frame.map(row => [...row])
  const size = grid.length
  let next = 0
  for (let pair = 0; pair < (size - 1) / 2; pair++) {
    const right = size - 1 - 2 * pair - (size - 1 - 2 * pair <= 6 ? 1 : 0)
    for (let step = 0; step < size; step++) {
      const y = pair % 2 === 0 ? size - 1 - step : step
      for (const x of [right, right - 1]) {
        if (frame[y]?.[x] !== undefined) continue
        set(grid, x, y, (bits[next] ?? false) !== isInverted(x, y))
        next++
      }
    }
  }
  drawFormat(grid, mask)
  return grid.map(row => row.map(module => module === true))
}

/** How hard a symbol is to read: long runs, blocks, what looks like a finder, and more dark than light. */
function penaltyOf(modules: QrModules): number {
  const columns = modules.map((_, x) => modules.map(row => row[x] === true))
  const lines = [...modules, ...columns].map(line => line.map(Number).join(''))
  const runs = lines
    .flatMap(line => line.match(/0{5,}|1{5,}/g) ?? [])
    .reduce((sum, run) => sum + run.length - 2, 0)
  const finders = lines.flatMap(line => [...line.matchAll(/(?=10111010000|00001011101)/g)]).length
  const blocks = modules.slice(1).flatMap((row, y) =>
    row.slice(1).filter((isDark, x) => {
      const above = modules[y]
      return isDark === row[x] && isDark === above?.[x] && isDark === above[x + 1]
    }),
  ).length
  const dark = modules.flat().filter(Boolean).length
  const share = (dark * 100) / modules.length ** 2
  return runs + 3 * blocks + 40 * finders + 10 * Math.floor(Math.abs(share - 50) / 5)
}
