/** Tags of X.690 that certificates and their lists are made of. */
export const derTag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  boolean: 0x01,
} as const

/** One element: its bytes whole, and where its contents lie in the same buffer. */
export interface DerElement {
  readonly tag: number
  readonly start: number
  readonly from: number
  readonly to: number
}

/** Not DER, or not what is expected at this place. */
export class DerError extends Error {
  constructor(at: number, message: string) {
    super(`${message} (byte ${at})`)
    this.name = 'DerError'
  }
}

/**
 * Reads elements of one level, from the left: definite lengths in their shortest form, nothing beyond `to` (X.690
 * section 10.1). It walks over what others made whole; values are read by whoever knows what they mean.
 */
export class DerReader {
  readonly #bytes: Buffer
  readonly #to: number
  #at: number

  constructor(bytes: Buffer, from = 0, to = bytes.length) {
    this.#bytes = bytes
    this.#at = from
    this.#to = to
  }

  get isAtEnd(): boolean {
    return this.#at === this.#to
  }

  /** Tag of the next element; undefined at the end. */
  get nextTag(): number | undefined {
    return this.isAtEnd ? undefined : this.#bytes[this.#at]
  }

  /** @throws DerError when there is none, or it has another tag than wanted */
  next(wanted?: number): DerElement {
    const start = this.#at
    const tag = this.#byte(start)
    if (wanted !== undefined && tag !== wanted) throw new DerError(start, `tag ${tag} instead of ${wanted}`)
    if ((tag & 0x1f) === 0x1f) throw new DerError(start, 'a tag of several bytes')
    const first = this.#byte(start + 1)
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f
    if (first === 0x80 || lengthBytes > 4)
      throw new DerError(start, 'a length that is indefinite or too long')
    let length = lengthBytes === 0 ? first : 0
    for (let index = 0; index < lengthBytes; index++) length = length * 256 + this.#byte(start + 2 + index)
    const isShortest = lengthBytes === 0 || length >= (lengthBytes === 1 ? 0x80 : 256 ** (lengthBytes - 1))
    const from = start + 2 + lengthBytes
    const to = from + length
    if (!isShortest || to > this.#to) throw new DerError(start, 'a length that does not fit')
    this.#at = to
    return { tag, start, from, to }
  }

  /** The next element when it has this tag. */
  optional(wanted: number): DerElement | undefined {
    return this.nextTag === wanted ? this.next() : undefined
  }

  inside({ from, to }: DerElement): DerReader {
    return new DerReader(this.#bytes, from, to)
  }

  /** @throws DerError when something follows */
  end(): void {
    if (!this.isAtEnd) throw new DerError(this.#at, 'more than is expected')
  }

  /** Contents of an element. */
  contents({ from, to }: DerElement): Buffer {
    return this.#bytes.subarray(from, to)
  }

  /** The element whole. */
  whole({ start, to }: DerElement): Buffer {
    return this.#bytes.subarray(start, to)
  }

  #byte(at: number): number {
    const byte = at < this.#to ? this.#bytes[at] : undefined
    if (byte === undefined) throw new DerError(at, 'it ends too early')
    return byte
  }
}

/** An INTEGER as `node:crypto` prints serial numbers: hexadecimal, without leading zeros. */
export function hexOfInteger(contents: Buffer): string {
  return contents.toString('hex').replace(/^0+(?=.)/, '')
}
