import { argon2, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { putHashingBehind } from './hashing-threads.ts'
import { type Entropy, Fault, type Passwords } from './ports.ts'

/** argon2id cost as OWASP states it: 19 MiB, two passes, one lane. */
export const passwordCost = { memoryKib: 19_456, passes: 2, parallelism: 1 } as const
const saltBytes = 16
const tagBytes = 32

/** What a stored hash may ask of us: a record that wants more is refused, it would be a way to spend our memory. */
const costMax = { memoryKib: 262_144, passes: 10, parallelism: 4 } as const

export interface PasswordsOptions {
  readonly entropy: Entropy
  /** Hashes computed at the same time; default twice the cores (threat model section 6). */
  readonly parallel?: number
  /** Waiting hashes; one more is `passwords.overloaded`. */
  readonly queueMax?: number
}

export interface OpenPasswords extends Passwords {
  /** Refuses new work; work begun is finished. */
  readonly close: () => void
}

interface Parsed {
  readonly memoryKib: number
  readonly passes: number
  readonly parallelism: number
  readonly salt: Buffer
  readonly tag: Buffer
}

const derive = promisify(argon2)

/** argon2id in a bounded pool: the work itself runs on the runtime's threads, never on the request loop. */
export function openPasswords(options: PasswordsOptions): OpenPasswords {
  const { entropy, parallel = availableParallelism() * 2, queueMax = 100 } = options
  const turns = boundedTurns(parallel, queueMax)
  // Compared with for accounts that do not exist: same cost, and no password has this tag.
  const nobody: Parsed = { ...passwordCost, salt: entropy.bytes(saltBytes), tag: entropy.bytes(tagBytes) }

  const matches = (password: string, parsed: Parsed): Promise<boolean> =>
    turns.run(async () => timingSafeEqual(await tagOf(password, parsed, parsed.tag.length), parsed.tag))

  return {
    verify: async (password, encoded) => {
      const parsed = parsePhc(encoded)
      if (parsed === undefined) throw new Fault('passwords.unreadable', { detail: 'not an argon2id hash' })
      return await matches(password, parsed)
    },
    hash: async password => {
      const salt = entropy.bytes(saltBytes)
      const tag = await turns.run(() => tagOf(password, { ...passwordCost, salt }, tagBytes))
      return formatPhc({ ...passwordCost, salt, tag })
    },
    verifyNothing: async password => {
      await matches(password, nobody)
      return false
    },
    close: turns.close,
  }
}

/** Of this process, which has one pool of them. */
const threads = { wereLookedFor: false }

async function tagOf(password: string, cost: Omit<Parsed, 'tag'>, length: number): Promise<Buffer> {
  const { memoryKib, passes, parallelism, salt } = cost
  const hashing = derive('argon2id', {
    // One form for what two keyboards may send as different code points (RFC 8265).
    message: password.normalize('NFKC'),
    nonce: salt,
    memory: memoryKib,
    passes,
    parallelism,
    tagLength: length,
  })
  if (!threads.wereLookedFor) putHashingBehind()
  threads.wereLookedFor = true
  return Buffer.from(await hashing)
}

const phc =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** @returns undefined for anything but a bounded argon2id hash in the PHC string format */
function parsePhc(encoded: string): Parsed | undefined {
  const match = phc.exec(encoded)
  if (match === null) return undefined
  const [, memoryKib, passes, parallelism, salt, tag] = match as unknown as readonly string[]
  const parsed: Parsed = {
    memoryKib: Number(memoryKib),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt ?? '', 'base64'),
    tag: Buffer.from(tag ?? '', 'base64'),
  }
  const isBounded =
    parsed.memoryKib >= 8 * parsed.parallelism &&
    parsed.memoryKib <= costMax.memoryKib &&
    parsed.passes >= 1 &&
    parsed.passes <= costMax.passes &&
    parsed.parallelism >= 1 &&
    parsed.parallelism <= costMax.parallelism
  return isBounded ? parsed : undefined
}

function formatPhc({ memoryKib, passes, parallelism, salt, tag }: Parsed): string {
  const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

interface Turns {
  readonly run: <T>(work: () => Promise<T>) => Promise<T>
  readonly close: () => void
}

function boundedTurns(parallel: number, queueMax: number): Turns {
  const waiting: (() => void)[] = []
  const state = { running: 0, isClosed: false }
  return {
    run: async work => {
      if (state.isClosed || (state.running >= parallel && waiting.length >= queueMax))
        throw new Fault('passwords.overloaded')
      if (state.running >= parallel) await new Promise<void>(resolve => waiting.push(resolve))
      else state.running += 1
      try {
        return await work()
      } finally {
        // A waiter takes over this turn, so `running` stays; otherwise the turn ends.
        const next = waiting.shift()
        if (next === undefined) state.running -= 1
        else next()
      }
    },
    close: () => {
      state.isClosed = true
    },
  }
}
