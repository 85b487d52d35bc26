import { endingOfUser } from '../data/logout/end-of-user.ts'
import type { IssuerBinding } from '../snapshot/compile.ts'
import { compileSnapshot } from '../snapshot/compile.ts'
import type { UserRecord } from '../store/records.ts'
import type { FoundAuthenticator } from '../store/store.ts'
import type { ResetSecondFactors, SecondFactorList, UserQuery } from './admin-api.ts'
import type { ControlPorts } from './apply.ts'
import { storedDocuments } from './documents.ts'
import { issuersNamed } from './issuers-named.ts'
import { type Checked, checked, wrong } from './problem.ts'

/** What a user has set up besides the password: for support, on the telephone. */
export async function listSecondFactors(
  query: UserQuery,
  ports: ControlPorts,
): Promise<Checked<SecondFactorList>> {
  const found = await findUser(query, ports)
  if (!found.ok) return found
  const { binding, user } = found.value
  const authenticators = await ports.store.listAuthenticators(binding.url, user.subject)
  return checked({
    username: user.username,
    issuer: binding.url,
    secondFactors: authenticators.map(factorOf),
  })
}

/**
 * Takes all passkeys and the authenticator app from a user who lost them, and signs the user out everywhere: from now
 * on the password alone signs in, until the user sets something up again.
 */
export async function resetSecondFactors(
  query: UserQuery,
  ports: ControlPorts,
): Promise<Checked<ResetSecondFactors>> {
  const found = await findUser(query, ports)
  if (!found.ok) return found
  const { binding, user } = found.value
  const { store, clock, issuers } = ports
  const { url: issuer } = binding
  const { subject, username } = user
  const removed = await store.listAuthenticators(issuer, subject)
  if (removed.length === 0)
    return wrong({ document: `User/${username}`, field: '', message: 'has nothing besides the password' })
  const stored = storedDocuments(await store.listDocuments())
  const compiled = stored.ok ? compileSnapshot({ revision: 0, issuers, documents: stored.value }) : stored
  if (!compiled.ok) return compiled
  const clients = compiled.value.issuers.get(issuer)?.clients ?? new Map()
  const reference = ports.newReference()
  const at = clock.now()
  const ending = await endingOfUser(
    ports,
    { url: issuer, clients },
    { subject, requestId: reference, except: undefined, at },
  )
  const facts = {
    removed: removed.map(({ id }) => id),
    ended_sids: ending.sids,
    by: 'operator',
  }
  await store.commit([
    { kind: 'delete-authenticators-of-user', issuer, subject },
    // Whoever lost them may have lost a browser, too.
    { kind: 'forget-sightings', issuer, owner: subject },
    ...ending.writes,
    {
      kind: 'append-audit',
      record: {
        ...{ at, issuer, event: 'authenticator.reset', outcome: 'accepted', requestId: reference },
        ...{ subject, facts },
      },
    },
  ])
  return checked({
    username,
    issuer,
    removed: removed.map(factorOf),
    sessions: ending.sids.length,
    reference,
  })
}

function factorOf(one: FoundAuthenticator): SecondFactorList['secondFactors'][number] {
  return {
    kind: one.kind,
    name: one.kind === 'passkey' ? one.name : 'authenticator app',
    createdAt: one.createdAt,
    ...(one.usedAt !== undefined && { usedAt: one.usedAt }),
  }
}

async function findUser(
  { username, issuer }: UserQuery,
  { store, issuers }: ControlPorts,
): Promise<Checked<{ readonly binding: IssuerBinding; readonly user: UserRecord }>> {
  const asked = issuersNamed(issuer, issuers)
  const found = (
    await Promise.all(
      asked.map(async binding => ({ binding, user: await store.findUserByUsername(binding.url, username) })),
    )
  ).flatMap(({ binding, user }) => (user === undefined ? [] : [{ binding, user }]))
  const [first, ...more] = found
  const document = `User/${username}`
  if (first === undefined) return wrong({ document, field: '', message: 'there is no such user' })
  return more.length === 0
    ? checked(first)
    : wrong({ document, field: 'metadata.issuer', message: 'stands at several issuers' })
}
