import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { keyCheckSeconds, keyCheckTyp } from '@holdfast/protocol/key-report.ts'
import { type Clock, Fault } from '../ports.ts'
import type { OwnCheck } from './promotion.ts'
import type { SigningKey } from './signing-key.ts'

/** How long a signature for verifiers to check is handed out again, and an answer of our own check believed. */
const checkKeptMs = 3000
/** Bad tokens cause no more than one signature in so long. */
const doubtMs = 1000
const checkBytesMax = 16_384

/** The signature, undefined while custody does not sign, and what this node thinks of it. */
export interface KeyCheck {
  readonly text: string | undefined
  readonly own: OwnCheck
}

/**
 * Signatures that say nothing but which key made them. This node verifies each with the published half before anybody
 * else gets it; verifiers check the same text.
 */
export class KeyChecks {
  readonly #clock: Clock
  readonly #kept = new Map<string, { readonly atMs: number; readonly check: Promise<KeyCheck> }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  of(issuer: string, key: SigningKey): Promise<KeyCheck> {
    const name = `${issuer} ${key.kid}`
    const atMs = this.#clock.monotonicMs()
    const kept = this.#kept.get(name)
    if (kept !== undefined && atMs - kept.atMs < checkKeptMs) return kept.check
    const check = this.#make(issuer, key)
    this.#kept.set(name, { atMs, check })
    return check
  }

  /** The next question signs anew. */
  doubt(issuer: string, kid: string): void {
    const kept = this.#kept.get(`${issuer} ${kid}`)
    if (kept !== undefined && this.#clock.monotonicMs() - kept.atMs >= doubtMs)
      this.#kept.delete(`${issuer} ${kid}`)
  }

  /** Forgets all keys but these. */
  keepOnly(issuer: string, kids: ReadonlySet<string>): void {
    for (const name of this.#kept.keys()) {
      const [of = '', kid = ''] = name.split(' ')
      if (of === issuer && !kids.has(kid)) this.#kept.delete(name)
    }
  }

  async #make(issuer: string, key: SigningKey): Promise<KeyCheck> {
    const iat = this.#clock.now()
    try {
      const text = await key.sign(keyCheckTyp, { iss: issuer, iat, exp: iat + keyCheckSeconds })
      return { text, own: verifies(text, key) ? 'good' : 'wrong' }
    } catch (cause) {
      const isWrong = cause instanceof Fault && cause.code === 'keys.wrong-signature'
      return { text: undefined, own: isWrong ? 'wrong' : 'unable' }
    }
  }
}

function verifies(text: string, { alg, publicJwk }: SigningKey): boolean {
  const jws = parseCompactJws(text, checkBytesMax)
  const key = importPublicJwk(publicJwk)
  return jws.ok && key.ok && verifyJws(jws.value, key.value, [alg])
}
