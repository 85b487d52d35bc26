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
export interface Spending {
  /** On which the confirmation was judged; undefined where the effect is judged again on its own. */
  readonly revision: number | undefined
  /** What must still stand: the change itself, and the document of who proposed it. */
  readonly stands: readonly DocumentRecord[]
  /** What takes the change away, with the audit record. */
  readonly writes: readonly Write[]
  /** Set by the commit that spends it. */
  isSpent: boolean
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
      const isRefusal = (write: Write): boolean =>
        write.kind === 'append-audit' && write.record.outcome === 'refused'
      if (writes.length > 0 && writes.every(isRefusal)) return await store.commit(effect)
      const open = spending?.isSpent === false ? spending : undefined
      // First in the list, as everywhere: who waits for a revision holds nothing that another one waits for.
      const own = effect[0]?.kind === 'raise-revision' ? effect[0] : undefined
      const from = open?.revision ?? own?.from
      if (own !== undefined && own.from !== from) throw new HeldBack(overtaken)
      const raise: readonly Write[] =
        own === undefined && open === undefined ? [] : [{ kind: 'raise-revision', from: knownRevision(from) }]
      // Before the effect, which may be about these very documents.
      const stands = [administrator, ...(open?.stands ?? [])].map(
        document => ({ kind: 'require-document', document }) as const,
      )
      const rest = own === undefined ? effect : effect.slice(1)
      const result = await store.commit([...raise, ...stands, ...rest, ...(open?.writes ?? [])])
      if (result.committed) {
        if (open !== undefined) open.isSpent = true
        return result
      }
      const { index } = result
      if (index === raise.length) throw new HeldBack(rightsMoved)
      const ofRest = index - raise.length - stands.length
      if (ofRest >= 0 && ofRest < rest.length)
        return { ...result, index: ofRest + effect.length - rest.length }
      if (index < raise.length && open?.revision === undefined) return { ...result, index: 0 }
      throw new HeldBack(overtaken)
    },
  }
}

function knownRevision(from: number | undefined): number {
  if (from === undefined) throw new TypeError('what is judged again on its own raises the revision')
  return from
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
