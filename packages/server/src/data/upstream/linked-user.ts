import { hash } from 'node:crypto'
import type { Ports } from '../../ports.ts'
import type { IdentityProvider } from '../../snapshot/snapshot.ts'
import type { UserRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'

export interface LinkedUser {
  /** Undefined: nobody is linked. */
  readonly user: UserRecord | undefined
  /** Makes the user, when this is the first time. */
  readonly writes: readonly Write[]
}

/** Who `sub` of this provider is here. Nothing else that the provider says about a person links to anybody. */
export async function linkedUser(
  ports: Ports,
  issuer: string,
  provider: IdentityProvider,
  sub: string,
): Promise<LinkedUser> {
  if (provider.users !== 'created') {
    const username = provider.users.get(sub)
    const user = username === undefined ? undefined : await ports.store.findUserByUsername(issuer, username)
    return { user, writes: [] }
  }
  const subject = subjectOf(issuer, provider.issuer, sub)
  const known = await ports.store.findUserBySubject(issuer, subject)
  if (known !== undefined) return { user: known, writes: [] }
  const user: UserRecord = {
    issuer,
    subject,
    username: subject,
    // Of a password that nobody has ever seen.
    passwordHash: await ports.passwords.hash(ports.entropy.bytes(32).toString('base64url')),
    status: 'active',
    claims: {},
  }
  return { user, writes: [{ kind: 'insert-user', record: user }] }
}

/** The same on every node and for ever, so that no table of links can disagree with the users. */
export function subjectOf(issuer: string, upstreamIssuer: string, sub: string): string {
  return `u_${hash('sha256', JSON.stringify([issuer, upstreamIssuer, sub]), 'base64url')}`
}
