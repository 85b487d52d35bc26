import { Fault } from '../../ports.ts'
import type { KeyCustody } from '../custody/key-custody.ts'
import { softwareKeys } from '../custody/software-keys.ts'
import type { SigningKey } from '../signing-key.ts'

/** Keys in memory that a test can break one by one. */
export interface BreakableCustody extends KeyCustody {
  /** What becomes of signatures from now on, by `kid`; every other key is sound. */
  readonly faults: Map<string, 'wrong' | 'silent'>
  readonly makes: { isDown: boolean }
}

export function breakableCustody(): BreakableCustody {
  const faults: BreakableCustody['faults'] = new Map()
  const makes = { isDown: false }
  const breakable = (key: SigningKey): SigningKey => ({
    ...key,
    sign: async (typ, claims) => {
      const text = await key.sign(typ, claims)
      const fault = faults.get(key.kid)
      if (fault === 'silent') throw new Fault('keys.custody', { detail: 'no answer' })
      return fault === undefined ? text : spoiled(text)
    },
  })
  // The brace says that the key is not one of the software custody.
  const mark = Buffer.from('{')
  return {
    ...softwareKeys,
    ...{ faults, makes },
    make: async alg => {
      if (makes.isDown) throw new Fault('keys.custody', { detail: 'no answer' })
      const { key, kept } = await softwareKeys.make(alg)
      return { key: breakable(key), kept: Buffer.concat([mark, kept]) }
    },
    open: (alg, kept) => breakable(softwareKeys.open(alg, kept.subarray(mark.length))),
  }
}

/** The first character of a signature carries six whole bits of it. */
export function spoiled(jws: string): string {
  const at = jws.lastIndexOf('.') + 1
  return jws.slice(0, at) + (jws[at] === 'A' ? 'B' : 'A') + jws.slice(at + 1)
}
