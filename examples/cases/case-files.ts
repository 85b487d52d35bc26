import { subjectOf } from './people.ts'

export type CaseState = 'open' | 'proposed' | 'approved' | 'paid'

export interface CaseFile {
  readonly id: string
  readonly tenant: string
  readonly assignee: string
  readonly state: CaseState
  readonly payoutCents: number
  readonly proposer?: string
  /** Seconds since 1970. */
  readonly approvedAt?: number
}

/** The cases, in memory: a database would do the same with `update … where state = …`. */
export class CaseFiles {
  readonly #files = new Map<string, CaseFile>(
    [
      { ...{ id: '7', tenant: 'north', assignee: subjectOf('ada') }, state: 'open' as const, payoutCents: 0 },
      {
        ...{ id: '8', tenant: 'south', assignee: subjectOf('dora') },
        state: 'open' as const,
        payoutCents: 0,
      },
      {
        ...{ id: '10', tenant: 'north', assignee: subjectOf('ada') },
        state: 'open' as const,
        payoutCents: 0,
      },
      // Somebody approved it the day before, and nobody paid.
      {
        ...{ id: '11', tenant: 'north', assignee: subjectOf('ada') },
        ...{ state: 'approved' as const, payoutCents: 9000, proposer: subjectOf('ada') },
        approvedAt: 1_760_000_000,
      },
    ].map(file => [file.id, file]),
  )

  find(id: string): CaseFile | undefined {
    return this.#files.get(id)
  }

  /**
   * Changes what was decided about, and nothing else: when somebody was faster, nothing happens.
   * @param seen the file that the decision was about
   */
  change(seen: CaseFile, changes: Partial<CaseFile>): boolean {
    if (this.#files.get(seen.id) !== seen) return false
    this.#files.set(seen.id, { ...seen, ...changes })
    return true
  }
}
