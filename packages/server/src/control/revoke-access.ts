import type { EpochSeconds } from '@holdfast/protocol'
import { forgettingWith } from '../data/consents/remembered.ts'
import type { IssuerBinding } from '../snapshot/compile.ts'
import type { AuditRecord } from '../store/records.ts'
import { revocationOfClient, revocationOfSubject } from '../store/revocations.ts'
import type { Store } from '../store/store.ts'
import type { Write } from '../store/writes.ts'
import type { RevokeAccessRequest, RevokedAccess } from './admin-api.ts'
import type { ControlPorts } from './apply.ts'
import { type Checked, checked, wrong } from './problem.ts'

/** Whose access ends, found at one issuer. */
interface Target {
  readonly binding: IssuerBinding
  readonly about: Pick<AuditRecord, 'clientId' | 'subject' | 'txn'>
  readonly facts: AuditRecord['facts']
  readonly writes: readonly Write[]
}

/** The operator ends all access of a user or client, or one grant: one commit, with its audit record. */
export async function revokeAccess(
  { of, name, issuer }: RevokeAccessRequest,
  { store, clock, issuers, newReference }: ControlPorts,
): Promise<Checked<RevokedAccess>> {
  const at = clock.now()
  const asked = issuers.filter(one => issuer === undefined || issuer === one.name || issuer === one.url)
  const found = await Promise.all(asked.map(binding => targets[of](store, binding, name, at)))
  const [target, ...more] = found.filter(one => one !== undefined)
  const document = `${of}/${name}`
  if (target === undefined) return wrong({ document, field: '', message: 'there is none of this name' })
  if (more.length > 0) return wrong({ document, field: 'issuer', message: 'stands at several issuers' })
  const { binding, about, facts, writes } = target
  const reference = newReference()
  await store.commit([
    ...writes,
    {
      kind: 'append-audit',
      record: {
        ...{ at, issuer: binding.url, event: `${of}.revoked`, outcome: 'accepted' as const },
        ...{ requestId: reference, ...about, facts: { ...facts, by: 'operator' } },
      },
    },
  ])
  return checked({ issuer: binding.url, of, name, reference })
}

type FindTarget = (
  store: Store,
  binding: IssuerBinding,
  name: string,
  at: EpochSeconds,
) => Promise<Target | undefined>

const targets: Readonly<Record<RevokeAccessRequest['of'], FindTarget>> = {
  user: async (store, binding, name, at) => {
    const user = await store.findUserByUsername(binding.url, name)
    if (user === undefined) return undefined
    const { subject } = user
    return { binding, about: { subject }, facts: {}, writes: revocationOfSubject(binding.url, subject, at) }
  },
  client: async (store, binding, clientId, at) => {
    const documents = await store.listDocuments()
    const isThere = documents.some(
      ({ documentKind, issuer, name }) =>
        (documentKind === 'Client' || documentKind === 'RegisteredClient') &&
        issuer === binding.url &&
        name === clientId,
    )
    if (!isThere) return undefined
    return { binding, about: { clientId }, facts: {}, writes: revocationOfClient(binding.url, clientId, at) }
  },
  grant: async (store, binding, id, at) => {
    const grant = (await store.findManagedGrant(id)) ?? (await store.findGrant(id))
    if (grant?.issuer !== binding.url) return undefined
    const { clientId, subject, txn } = grant
    return {
      binding,
      about: { clientId, subject, txn },
      facts: { grant: grant.id },
      writes: [{ kind: 'revoke-grant', id: grant.id, at }, ...forgettingWith(grant)],
    }
  },
}
