import type { Binding } from '../../store/records.ts'

/** What holds a token to its sender, in a word. */
export function constraintOf({ jkt, x5tS256 }: Binding): string {
  if (jkt !== undefined && x5tS256 !== undefined) return 'dpop+mtls'
  if (jkt !== undefined) return 'dpop'
  return x5tS256 === undefined ? 'none' : 'mtls'
}
