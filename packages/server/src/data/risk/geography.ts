import { isIPv4, isIPv6 } from 'node:net'
import { expandedGroups } from '@holdfast/protocol/wire/address.ts'
import type { CoarsePlace } from '../../store/records.ts'

/** Where addresses are, as far as the operator's data says; to the degree, and to the country. */
export interface Geography {
  /** @param address canonical */
  readonly placeOf: (address: string) => CoarsePlace | undefined
  /**
   * ISO 3166-1 alpha-2, such as `DE`.
   * @param address canonical
   */
  readonly countryOf: (address: string) => string | undefined
  /** Networks it holds. */
  readonly networks: number
}

export const noGeography: Geography = { placeOf: () => undefined, countryOf: () => undefined, networks: 0 }

/** Networks of one geography, both families together. */
export const networksMax = 2_000_000

/** Stand where nobody knows, between networks and after them: as a latitude, and as a country. */
const nowhere = 127
const noCountry = 0

/** What is known of a network; at least one of both. */
interface Known {
  readonly place: CoarsePlace | undefined
  readonly country: string | undefined
}

/** Two letters as one number, never nought. */
const numberOfCountry = (country: string): number => country.charCodeAt(0) * 256 + country.charCodeAt(1)
const countryOfNumber = (number: number): string => String.fromCharCode(number >> 8, number & 255)

/** Addresses of one family as whole numbers: IPv4 all of it, of IPv6 the first 64 bits. */
class Family {
  #starts = new BigUint64Array(1024)
  #ends = new BigUint64Array(1024)
  #latitudes = new Int8Array(1024)
  #longitudes = new Int16Array(1024)
  #countries = new Uint16Array(1024)
  count = 0

  add(start: bigint, end: bigint, { place, country }: Known): void {
    if (this.count === this.#starts.length) this.#grow()
    this.#starts[this.count] = start
    this.#ends[this.count] = end
    this.#latitudes[this.count] = place?.latitude ?? nowhere
    this.#longitudes[this.count] = place?.longitude ?? 0
    this.#countries[this.count] = country === undefined ? noCountry : numberOfCountry(country)
    this.count += 1
  }

  /** Networks within networks become pieces beside each other, the innermost first: one search finds the place. */
  index(): Pieces {
    const order = this.#ordered()
    const pieces = new Pieces(2 * this.count + 1)
    const open: number[] = []
    const endOf = (network: number): bigint => this.#ends[network] as bigint
    const begin = (at: bigint): void => {
      const network = open.at(-1)
      if (network === undefined) pieces.add(at, nowhere, 0, noCountry)
      else
        pieces.add(
          at,
          this.#latitudes[network] as number,
          this.#longitudes[network] as number,
          this.#countries[network] as number,
        )
    }
    const closeBefore = (at: bigint): void => {
      for (let last = open.at(-1); last !== undefined && endOf(last) < at; last = open.at(-1)) {
        open.pop()
        begin(endOf(last) + 1n)
      }
    }
    for (const network of order) {
      const start = this.#starts[network] as bigint
      closeBefore(start)
      const around = open.at(-1)
      if (around !== undefined) this.#inherit(network, around)
      open.push(network)
      begin(start)
    }
    closeBefore(afterAll)
    return pieces
  }

  /** What a network does not say of itself, the one around it says. */
  #inherit(network: number, around: number): void {
    if (this.#latitudes[network] === nowhere) {
      this.#latitudes[network] = this.#latitudes[around] as number
      this.#longitudes[network] = this.#longitudes[around] as number
    }
    if (this.#countries[network] === noCountry) this.#countries[network] = this.#countries[around] as number
  }

  /** By start; of those that start together the widest first, and of equals the last one is the innermost. */
  #ordered(): Uint32Array {
    const order = Uint32Array.from({ length: this.count }, (_, index) => index)
    const [starts, ends] = [this.#starts, this.#ends]
    const compare = (left: number, right: number): number => {
      const [a, b] = [starts[left] as bigint, starts[right] as bigint]
      if (a !== b) return a < b ? -1 : 1
      const [c, d] = [ends[left] as bigint, ends[right] as bigint]
      if (c !== d) return c > d ? -1 : 1
      return left - right
    }
    // Most data comes sorted, and sorting is most of the work.
    const isSorted = order.every((_, index) => index === 0 || compare(index - 1, index) < 0)
    return isSorted ? order : order.sort(compare)
  }

  #grow(): void {
    const length = this.#starts.length * 2
    const copy = <T extends { set: (from: T) => void }>(into: T, from: T): T => {
      into.set(from)
      return into
    }
    this.#starts = copy(new BigUint64Array(length), this.#starts)
    this.#ends = copy(new BigUint64Array(length), this.#ends)
    this.#latitudes = copy(new Int8Array(length), this.#latitudes)
    this.#longitudes = copy(new Int16Array(length), this.#longitudes)
    this.#countries = copy(new Uint16Array(length), this.#countries)
  }
}

const afterAll = 2n ** 64n

/** Where each piece of the addresses begins, in order; each ends where the next begins. */
class Pieces {
  readonly #starts: BigUint64Array
  readonly #latitudes: Int8Array
  readonly #longitudes: Int16Array
  readonly #countries: Uint16Array
  #count = 0

  constructor(most: number) {
    this.#starts = new BigUint64Array(most)
    this.#latitudes = new Int8Array(most)
    this.#longitudes = new Int16Array(most)
    this.#countries = new Uint16Array(most)
  }

  add(at: bigint, latitude: number, longitude: number, country: number): void {
    if (at >= afterAll) return
    // What begins where another just began leaves nothing of it.
    if (this.#count > 0 && this.#starts[this.#count - 1] === at) this.#count -= 1
    this.#starts[this.#count] = at
    this.#latitudes[this.#count] = latitude
    this.#longitudes[this.#count] = longitude
    this.#countries[this.#count] = country
    this.#count += 1
  }

  placeOf(address: bigint): CoarsePlace | undefined {
    const piece = this.#pieceOf(address)
    const latitude = this.#latitudes[piece] ?? nowhere
    return latitude === nowhere ? undefined : { latitude, longitude: this.#longitudes[piece] as number }
  }

  countryOf(address: bigint): string | undefined {
    const country = this.#countries[this.#pieceOf(address)] ?? noCountry
    return country === noCountry ? undefined : countryOfNumber(country)
  }

  /** -1 before the first. */
  #pieceOf(address: bigint): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#starts[middle] as bigint) <= address) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

/** One line of data: a network with its place, its country, or both; what is not known is empty. */
export interface GeographyRow {
  readonly network: string
  readonly latitude: string | number
  readonly longitude: string | number
  readonly country: string
}

/** Takes rows one by one, so that a file never stands in memory whole. */
export class GeographyBuilder {
  readonly #v4 = new Family()
  readonly #v6 = new Family()

  /** @returns what is wrong with the row; undefined when it was taken */
  add({ network, latitude, longitude, country }: GeographyRow): string | undefined {
    const [address = '', bits = '', ...more] = network.split('/')
    const isV4 = isIPv4(address)
    const most = isV4 ? 32 : 64
    if (more.length > 0 || !/^\d{1,3}$/.test(bits) || !(isV4 || isIPv6(address)))
      return `\`${network.slice(0, 64)}\` is not a network such as 192.0.2.0/24`
    const length = Number(bits)
    if (length > most) return `a prefix of \`${network.slice(0, 64)}\` is longer than ${most} bits`
    const place = placeAt(latitude, longitude)
    if (place === 'wrong') return 'latitude and longitude are degrees, -90 to 90 and -180 to 180'
    if (country !== '' && !isCountry(country))
      return `\`${country.slice(0, 64)}\` is not a country of two letters such as DE`
    if (this.#v4.count + this.#v6.count >= networksMax) return `more than ${networksMax} networks`
    const size = 1n << BigInt(most - length)
    const start = (isV4 ? numberOfV4(address) : numberOfV6(address)) & ~(size - 1n)
    const family = isV4 ? this.#v4 : this.#v6
    family.add(start, start + size - 1n, { place, country: country === '' ? undefined : country })
    return undefined
  }

  build(): Geography {
    const [v4, v6] = [this.#v4.index(), this.#v6.index()]
    return {
      networks: this.#v4.count + this.#v6.count,
      placeOf: address => {
        if (isIPv4(address)) return v4.placeOf(numberOfV4(address))
        return isIPv6(address) ? v6.placeOf(numberOfV6(address)) : undefined
      },
      countryOf: address => {
        if (isIPv4(address)) return v4.countryOf(numberOfV4(address))
        return isIPv6(address) ? v6.countryOf(numberOfV6(address)) : undefined
      },
    }
  }
}

/** ISO 3166-1 alpha-2. */
function isCountry(text: string): boolean {
  return /^[A-Z]{2}$/.test(text)
}

/** Undefined: the row has none. */
function placeAt(latitude: string | number, longitude: string | number): CoarsePlace | undefined | 'wrong' {
  if (latitude === '' && longitude === '') return undefined
  const [north, east] = [degrees(latitude, 90), degrees(longitude, 180)]
  return north === undefined || east === undefined ? 'wrong' : { latitude: north, longitude: east }
}

/** To the whole degree: nobody needs to know where somebody lives. */
function degrees(value: string | number, most: number): number | undefined {
  if (typeof value === 'string' && !/^-?\d{1,3}(\.\d{1,15})?$/.test(value)) return undefined
  const rounded = Math.round(Number(value))
  // `+ 0`: no negative nought.
  return Number.isFinite(rounded) && Math.abs(Number(value)) <= most ? rounded + 0 : undefined
}

function numberOfV4(address: string): bigint {
  return BigInt(address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0))
}

/** The first 64 bits. */
function numberOfV6(address: string): bigint {
  return BigInt(`0x${expandedGroups(address).slice(0, 4).join('')}`)
}
