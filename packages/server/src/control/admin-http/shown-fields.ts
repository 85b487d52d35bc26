import { groupOfKind } from '../admin-scopes.ts'
import type { AdminCaller } from './visit.ts'

interface ShownChange {
  readonly kind: string
  readonly fields: readonly {
    readonly field: string
    readonly from?: string | undefined
    readonly to?: string | undefined
  }[]
}

/** Who may write a kind and not read it is told which fields change, and not what stood there. */
export function shownTo<T extends ShownChange>(
  { scopes }: Pick<AdminCaller, 'scopes'>,
  changes: readonly T[],
): readonly T[] {
  return changes.map(change =>
    scopes.includes(`admin.${groupOfKind(change.kind)}:read`)
      ? change
      : { ...change, fields: change.fields.map(({ from: _from, ...field }) => field) },
  )
}
