import { describe, test } from 'node:test'
import { announcementCases } from './contract/announcements.ts'
import { approvalCases } from './contract/approvals.ts'
import { auditCases } from './contract/audit.ts'
import { backchannelCases } from './contract/backchannel.ts'
import { expiryCases } from './contract/expiry.ts'
import { finderCases } from './contract/finders.ts'
import { guardCases } from './contract/guards.ts'
import { issuerRevocationCases } from './contract/issuer-revocations.ts'
import { listCases } from './contract/lists.ts'
import { logoutCases } from './contract/logout.ts'
import { ownerCases } from './contract/owners.ts'
import { raceCases } from './contract/races.ts'
import { registrationCases } from './contract/registration.ts'
import { restartCases } from './contract/restart.ts'
import { sightingCases } from './contract/sightings.ts'
import { statusCases } from './contract/status.ts'
import { userCases } from './contract/users.ts'
import type { Store } from './store.ts'

/** A store on an empty place of its own, with the clock standing at `start` of the samples. */
export interface Fixture {
  readonly store: Store
  /** Closes the store and opens it again; undefined when nothing of it outlives the process. */
  readonly reopen: (() => Promise<Store>) | undefined
  readonly dispose: () => Promise<void>
}

export interface ContractCase {
  readonly title: string
  readonly run: (fixture: Fixture) => Promise<void>
}

/** What every driver must do, whatever it is made of. */
export const contractCases: readonly ContractCase[] = [
  ...finderCases,
  ...guardCases,
  ...logoutCases,
  ...backchannelCases,
  ...approvalCases,
  ...ownerCases,
  ...issuerRevocationCases,
  ...announcementCases,
  ...registrationCases,
  ...statusCases,
  ...raceCases,
  ...listCases,
  ...auditCases,
  ...expiryCases,
  ...restartCases,
  ...userCases,
  ...sightingCases,
]

export interface ContractOptions {
  /** Why the driver cannot be tried here; counted, never silent. */
  readonly skip?: string
  /** Nothing of it outlives the process, so there is no restart to try. */
  readonly isVolatile?: boolean
}

export function describeStore(
  driver: string,
  open: () => Promise<Fixture>,
  { skip, isVolatile = false }: ContractOptions = {},
): void {
  const cases = isVolatile ? contractCases.filter(one => !restartCases.includes(one)) : contractCases
  describe(`the store contract on ${driver}`, { skip }, () => {
    for (const { title, run } of cases)
      test(`${driver}: ${title}`, async () => {
        const fixture = await open()
        try {
          await run(fixture)
        } finally {
          await fixture.dispose()
        }
      })
  })
}
