import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import recorded from './recorded-answers.json' with { type: 'json' }

type Cedar = typeof import('@cedar-policy/cedar-wasm/nodejs')

/** What we ask it. */
export type Question = 'schemaToJsonWithResolvedTypes' | 'policySetTextToParts' | 'policyToJson' | 'validate'

/** A statement of the reference implementation about a document. */
export interface ReferenceProblem {
  readonly message: string
  /** Offset of the first character it speaks of. */
  readonly offset?: number
}

const require = createRequire(import.meta.url)
let loaded: Cedar | undefined

/**
 * Asks cedar-wasm. What it says about the policies that we ship was recorded (`npm run reference`), so that a start with
 * them need not load it: that would be a tenth of the start.
 * @returns `undefined` when the reference broke over the question
 */
export function askReference<Q extends Question>(
  question: Q,
  about: Parameters<Cedar[Q]>[0],
): ReturnType<Cedar[Q]> | undefined {
  const key = answerKey(question, about)
  if (Object.hasOwn(recorded, key)) return recorded[key as keyof typeof recorded] as ReturnType<Cedar[Q]>
  return askAfresh(question, about)
}

/** Under which an answer is recorded: a hash of the whole question. */
export function answerKey<Q extends Question>(question: Q, about: Parameters<Cedar[Q]>[0]): string {
  return createHash('sha256')
    .update(JSON.stringify([question, about]))
    .digest('base64url')
}

/**
 * Asks cedar-wasm itself. Source that nests too deeply overflows its stack, after which that instance answers nothing
 * any more: the next question gets a new one.
 */
export function askAfresh<Q extends Question>(
  question: Q,
  about: Parameters<Cedar[Q]>[0],
): ReturnType<Cedar[Q]> | undefined {
  const path = require.resolve('@cedar-policy/cedar-wasm/nodejs')
  loaded ??= require(path) as Cedar
  try {
    const ask = loaded[question] as (about: Parameters<Cedar[Q]>[0]) => ReturnType<Cedar[Q]>
    return ask(about)
  } catch {
    loaded = undefined
    delete require.cache[path]
    return undefined
  }
}

interface DetailedError {
  readonly message: string
  readonly help: string | null
  readonly sourceLocations?: readonly { readonly start: number; readonly label: string | null }[]
}

export function referenceProblem({ message, help, sourceLocations = [] }: DetailedError): ReferenceProblem {
  const [place] = sourceLocations
  const label = place?.label ?? undefined
  const text = [message, ...(label === undefined ? [] : [label]), ...(help === null ? [] : [help])].join('; ')
  return place === undefined ? { message: text } : { message: text, offset: place.start }
}

export const brokeOver: ReferenceProblem = {
  message: 'the Cedar reference could not work through this: it nests too deeply or is no well-formed text',
}
