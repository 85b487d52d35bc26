import { createRequire } from 'node:module'

type Cedar = typeof import('@cedar-policy/cedar-wasm/nodejs')

/** A statement of the reference implementation about a document. */
export interface ReferenceProblem {
  readonly message: string
  /** Offset of the first character it speaks of. */
  readonly offset?: number
}

const require = createRequire(import.meta.url)
let loaded: Cedar | undefined

/**
 * Asks cedar-wasm. Source that nests too deeply overflows its stack, after which that instance answers nothing any
 * more: the next question gets a new one.
 * @returns `undefined` when the reference broke over the question
 */
export function askReference<Answer>(ask: (cedar: Cedar) => Answer): Answer | undefined {
  const path = require.resolve('@cedar-policy/cedar-wasm/nodejs')
  loaded ??= require(path) as Cedar
  try {
    return ask(loaded)
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
