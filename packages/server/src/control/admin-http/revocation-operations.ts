import { invalid } from '../admin.ts'
import { revokeAccessBody, revokeTenantBody } from '../admin-bodies.ts'
import { issuersToEnd } from '../revoke-tenant.ts'
import { etagOf } from './etag.ts'
import { operation } from './operation.ts'
import { type AdminOperation, apiOf, done } from './visit.ts'

/** What ends access, for one or for everybody. */
export const revocationOperations: readonly AdminOperation[] = [
  operation({
    id: 'revokeAccess',
    method: 'POST',
    path: '/admin/v1/revocation',
    summary: 'Ends all access of a user or a client, or one grant. One person is enough: it must be quick.',
    scopes: ['admin.access:write'],
    body: revokeAccessBody,
    work: async visit => done(await apiOf(visit).revokeAccess(visit.body)),
  }),
  operation({
    id: 'revokeTenant',
    method: 'POST',
    path: '/admin/v1/revocation/tenant',
    summary:
      'Ends all access at every issuer of a tenant. Takes two persons; who runs the server needs none.',
    scopes: ['admin.access:write'],
    body: revokeTenantBody,
    twoPersons: {
      approve: 'admin.access:approve',
      misfit: ({ body, standing, desk }) => {
        const ended = issuersToEnd(body, standing.documents, desk.options.ports.issuers)
        return ended.ok ? undefined : done(invalid(ended.problems))
      },
      reasons: ({ body: { tenant } }) => [`everybody of the tenant ${tenant} is signed out`],
      base: async ({ standing }) =>
        Object.fromEntries(
          standing.records
            .filter(({ documentKind }) => documentKind === 'Issuer')
            .map(({ name, issuer, body }) => [`Issuer/${name} ${issuer}`, etagOf(body)]),
        ),
    },
    work: async visit => done(await apiOf(visit).revokeTenant(visit.body)),
  }),
]
