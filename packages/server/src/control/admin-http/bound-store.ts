import { type Refusal, refuse } from '@holdfast/protocol'
import type { Store } from '../../store/store.ts'
import type { DocumentRecord, Write } from '../../store/writes.ts'
import type { Actor } from './visit.ts'

/** Leaves an operation whose commit was held back: what it was let do by is not so any more. Nothing was written. */
export class HeldBack extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.reason)
    this.refusal = refusal
  }
}

/** A change that another person confirmed. It is spent in the very commit that brings it about: both, or neither. */
export class Spending {
  readonly #revision: number | undefined
  readonly #writes: readonly Write[]
  #isSpent = false

  /**
   * @param revision on which the confirmation was judged; undefined where the effect is judged again on its own
   * @param writes what takes the change away, a guard that it is still there among them, and the audit record
   */
  constructor(revision: number | undefined, writes: readonly Write[]) {
    this.#revision = revision
    this.#writes = writes
  }

  get isSpent(): boolean {
    return this.#isSpent
  }

  /** Whether another revision than the one it was judged on holds it back. */
  get isOnRevision(): boolean {
    return this.#revision !== undefined
  }

  /** What stands before the writes of the effect, and behind them. */
  around(effect: readonly Write[]): { readonly before: readonly Write[]; readonly after: readonly Write[] } {
    const own = effect.find(write => write.kind === 'raise-revision')
    const from = this.#revision ?? own?.from
    if (from === undefined) throw new TypeError('what is judged on its own raises the revision')
    if (own !== undefined && own.from !== from) throw new HeldBack(overtaken)
    // First in the list, as everywhere: who waits for a revision holds nothing that another one waits for.
    return { before: own === undefined ? [{ kind: 'raise-revision', from }] : [], after: this.#writes }
  }

  done(): void {
    this.#isSpent = true
  }
}

/** By what an administrator writes: whose name stands in each record, and what each commit must still find. */
export interface Bond {
  readonly actor: Actor
  /** Administrator document of who asks, as it was judged. */
  readonly administrator: DocumentRecord
  readonly spending?: Spending | undefined
}

/**
 * The store as one request of an administrator writes to it. Every commit holds the Administrator document to what it
 * was when the request was judged, so that a right which ends ends at once; the first one that does something spends
 * the change that was confirmed. What only says that something was refused goes through as it is.
 */
export function boundStore(store: Store, { actor, administrator, spending }: Bond): Store {
  return {
    ...store,
    commit: async writes => {
      const effect = writes.map(write => audited(write, actor))
      if (
        writes.length > 0 &&
        writes.every(write => write.kind === 'append-audit' && write.record.outcome === 'refused')
      )
        return await store.commit(effect)
      const open = spending?.isSpent === false ? spending : undefined
      const { before, after } = open?.around(effect) ?? { before: [], after: [] }
      const bound: Write = { kind: 'require-document', document: administrator }
      const result = await store.commit([...before, ...effect, ...after, bound])
      if (result.committed) {
        open?.done()
        return result
      }
      const index = result.index - before.length
      if (index === effect.length + after.length) throw new HeldBack(rightsMoved)
      if (index < 0 || index >= effect.length || (open?.isOnRevision && result.guard === 'raise-revision'))
        throw new HeldBack(overtaken)
      return { ...result, index }
    },
  }
}

function audited(write: Write, actor: Actor): Write {
  if (write.kind !== 'append-audit') return write
  const facts = { ...actor, ...write.record.facts, identity: 'token' }
  return { ...write, record: { ...write.record, facts } }
}

export const overtaken = refuse(
  'admin.change-overtaken',
  ['HFA-6'],
  'invalid_request',
  'the documents changed in the same moment: look again',
)

const rightsMoved = refuse(
  'admin.rights-moved',
  ['HFA-3'],
  'invalid_request',
  'what you may do was changed in the same moment: ask again',
)
