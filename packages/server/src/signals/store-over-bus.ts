import { announcementOf } from '../store/announcements.ts'
import type { Store } from '../store/store.ts'
import type { Write } from '../store/writes.ts'
import type { Bus, Signal } from './bus.ts'

/** The same store, that also tells and hears of changes over a bus. */
export function storeOverBus(store: Store, bus: Bus): Store {
  const both =
    (signal: Signal, own: (told: () => void) => () => void) =>
    (told: () => void): (() => void) => {
      const ends = [own(told), bus.onTold(signal, told)]
      return () => {
        for (const end of ends) end()
      }
    }
  return {
    ...store,
    commit: async writes => {
      const result = await store.commit(writes)
      if (result.committed) for (const signal of signalsOf(writes)) bus.tell(signal)
      return result
    },
    onRevision: both('revision', store.onRevision),
    onRevocation: both('revocation', store.onRevocation),
    close: async () => {
      await bus.close()
      await store.close()
    },
  }
}

function signalsOf(writes: readonly Write[]): readonly Signal[] {
  const isRevision = writes.some(({ kind }) => kind === 'raise-revision')
  const isRevocation = writes.some(write => announcementOf(write) !== undefined)
  return [...(isRevision ? (['revision'] as const) : []), ...(isRevocation ? (['revocation'] as const) : [])]
}
