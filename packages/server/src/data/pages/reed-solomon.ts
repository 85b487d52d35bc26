/** Powers of the generator of the field of 256 elements under x⁸ + x⁴ + x³ + x² + 1, and their logarithms. */
const powers: readonly number[] = powersOfTwo()
const logarithms: ReadonlyMap<number, number> = new Map(powers.map((power, index) => [power, index]))

function powersOfTwo(): readonly number[] {
  const found = [1]
  while (found.length < 255) {
    const doubled = (found.at(-1) ?? 0) * 2
    found.push(doubled > 255 ? doubled ^ 0x11d : doubled)
  }
  return found
}

function times(left: number, right: number): number {
  if (left === 0 || right === 0) return 0
  return powers[((logarithms.get(left) ?? 0) + (logarithms.get(right) ?? 0)) % 255] ?? 0
}

/** The codewords that let a reader correct a block (ISO/IEC 18004, section 7.5): the remainder of its division. */
export function reedSolomon(data: readonly number[], count: number): readonly number[] {
  const divisor = divisorOf(count)
  let remainder: readonly number[] = Array.from({ length: count }, () => 0)
  for (const codeword of data) {
    const factor = codeword ^ (remainder[0] ?? 0)
    remainder = divisor.map((one, index) => (remainder[index + 1] ?? 0) ^ times(one, factor))
  }
  return remainder
}

/** The product of (x − generatorⁱ), highest power first, without its leading one. */
function divisorOf(count: number): readonly number[] {
  let product: readonly number[] = [1]
  for (let index = 0; index < count; index++) {
    const root = powers[index] ?? 0
    product = [...product, 0].map((one, place) => one ^ times(product[place - 1] ?? 0, root))
  }
  return product.slice(1)
}
