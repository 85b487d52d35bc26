import { z } from 'zod'
import type { AdminScope } from '../admin-scopes.ts'
import type { AdminOperation, AdminVisit, Done, TwoPersons } from './visit.ts'

interface OperationLine<B, Q> {
  readonly id: string
  readonly method: AdminOperation['method']
  readonly path: string
  readonly summary: string
  readonly scopes: readonly AdminScope[]
  /** Which of the scopes; all of them when absent. */
  readonly needs?: (visit: AdminVisit<B, Q>) => readonly string[]
  readonly isPersonal?: true
  readonly isWhole?: true
  readonly isHighRisk?: (visit: AdminVisit<B, Q>) => boolean
  readonly query?: z.ZodType<Q>
  readonly body?: z.ZodType<B>
  readonly status?: 201
  readonly preconditions?: true
  readonly twoPersons?: {
    readonly approve: AdminScope
    readonly misfit?: (visit: AdminVisit<B, Q>) => Done | undefined
    readonly reasons: (visit: AdminVisit<B, Q>) => readonly string[] | Promise<readonly string[]>
    readonly base: (visit: AdminVisit<B, Q>) => Promise<Readonly<Record<string, string>>>
  }
  readonly work: (visit: AdminVisit<B, Q>) => Promise<Done>
}

/** One line of the table. The types of query and body are checked here; the table itself does not know them. */
export function operation<B = undefined, Q = undefined>(line: OperationLine<B, Q>): AdminOperation {
  const { needs, isHighRisk, twoPersons } = line
  // What a visit holds was parsed by the schemas of this very line.
  const own = (visit: AdminVisit): AdminVisit<B, Q> => visit as AdminVisit<B, Q>
  const both: TwoPersons | undefined = twoPersons && {
    approve: twoPersons.approve,
    misfit: visit => twoPersons.misfit?.(own(visit)),
    reasons: visit => twoPersons.reasons(own(visit)),
    base: visit => twoPersons.base(own(visit)),
  }
  return {
    ...{ id: line.id, method: line.method, path: line.path, summary: line.summary, scopes: line.scopes },
    needs: visit => needs?.(own(visit)) ?? line.scopes,
    isPersonal: line.isPersonal ?? false,
    isWhole: line.isWhole ?? false,
    isHighRisk: visit => isHighRisk?.(own(visit)) ?? false,
    query: line.query,
    body: line.body,
    status: line.status ?? 200,
    preconditions: line.preconditions ?? false,
    twoPersons: both,
    work: visit => line.work(own(visit)),
  }
}

/** Name or URL of an issuer; it may be left out while there is one. */
export const issuerQuery = z.strictObject({ issuer: z.string().max(2048).optional() })
