import type { Ports } from '../../ports.ts'
import type { Write } from '../../store/writes.ts'
import type { Visit } from './visit.ts'

/**
 * `authorization.opened`, of an interaction that is not in the store: nobody was led to it, and perhaps nobody has to be.
 * Written beside whatever comes of it, but for a code: its record says as much.
 */
export type Opening = () => Extract<Write, { kind: 'append-audit' }>

/** The visit once its interaction is in the store: before any page or place of it leaves. */
export async function putDown(visit: Visit, ports: Pick<Ports, 'store'>): Promise<Visit> {
  const { opening, ...others } = visit
  if (opening === undefined) return visit
  await ports.store.commit([{ kind: 'insert-interaction', record: visit.interaction }, opening()])
  return others
}
