/** What clients ask for, and how. */
export interface RequestForm {
  /** Form of the access tokens. */
  readonly tokens: 'opaque' | 'jwt'
  /** Whether pushed requests carry a DPoP proof (RFC 9449 section 10.1). */
  readonly hasProofAtPar: boolean
}

/** `asked`: consent every time; `session`: asked once and signed in; `login`: a new browser each time. */
export const flowKinds = ['asked', 'session', 'login'] as const
export type FlowKind = (typeof flowKinds)[number]

/** Options of a command line, for `parseArgs`. */
export const formOptions = {
  tokens: { type: 'string', default: 'opaque' },
  'proof-at-par': { type: 'boolean', default: false },
} as const

/** @throws Error for a form that there is not */
export function formOf(values: { readonly tokens: string; readonly 'proof-at-par': boolean }): RequestForm {
  return { tokens: oneOf(['opaque', 'jwt'], values.tokens), hasProofAtPar: values['proof-at-par'] }
}

/** @throws Error when it is none of them */
export function oneOf<T extends string>(all: readonly T[], given: string): T {
  const found = all.find(one => one === given)
  if (found === undefined) throw new Error(`\`${given}\` is none of ${all.join(', ')}`)
  return found
}
