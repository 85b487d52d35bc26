import { Fault } from '../../ports.ts'
import { first } from './001-first.ts'
import { deviceCodes } from './002-device-codes.ts'
import { logout } from './003-logout.ts'
import { keyLife } from './004-key-life.ts'
import { backchannelRequests } from './005-backchannel-requests.ts'
import { revocation } from './006-revocation.ts'
import { registration } from './007-registration.ts'
import { authenticators } from './008-authenticators.ts'
import { statusEntries } from './009-status-entries.ts'
import { revocationFeed } from './010-revocation-feed.ts'
import { userStatus } from './011-user-status.ts'
import { liveGrants } from './012-live-grants.ts'
import { keyVerifiers } from './013-key-verifiers.ts'
import { issuerRevocations } from './014-issuer-revocations.ts'
import { approvals } from './015-approvals.ts'
import { sightings } from './016-sightings.ts'
import { shortJtis } from './017-short-jtis.ts'
import { managedGrants } from './018-managed-grants.ts'
import { statusRights } from './019-status-rights.ts'
import type { Dialect, Migration } from './dialect.ts'

/** In order; the place in this list is the version. */
export const migrations: readonly Migration[] = [
  first,
  deviceCodes,
  logout,
  keyLife,
  backchannelRequests,
  revocation,
  registration,
  authenticators,
  statusEntries,
  revocationFeed,
  userStatus,
  liveGrants,
  keyVerifiers,
  issuerRevocations,
  approvals,
  sightings,
  shortJtis,
  managedGrants,
  statusRights,
]

/** Version of the schema this program speaks. */
export const schemaVersion = migrations.length

/** Facts about the store itself: schema version, epoch, chain name. */
export function metaTable(dialect: Dialect): string {
  return `create table if not exists meta (name ${dialect.text} not null primary key, value text not null) ${dialect.narrow}`
}

/**
 * The steps still to take from the version found.
 * @throws Fault `store.version` when the store was written by a newer program: never guessed at
 */
export function migrationsAfter(
  version: number,
  known: readonly Migration[] = migrations,
): readonly Migration[] {
  if (!Number.isSafeInteger(version) || version < 0 || version > known.length) {
    throw new Fault('store.version', {
      detail: `the store has schema version \`${version}\`, this program knows up to \`${known.length}\``,
    })
  }
  return known.slice(version)
}
