import { type Refusal, refuse } from '@holdfast/protocol'
import { z } from 'zod'
import { shippedName } from '../../snapshot/compile-policies.ts'
import {
  changeApprovalBody,
  changeGrantBody,
  changePoliciesBody,
  createTokenBody,
  renewBody,
  reportBody,
  requestGrantBody,
  revokeBody,
  revokeKeyBody,
  revokeTokenBody,
  rotateBody,
  rotateKeysBody,
  simulatePoliciesBody,
  submitPoliciesBody,
  userBody,
} from '../admin-bodies.ts'
import { issuersNamed } from '../issuers-named.ts'
import { registrationTokenPlace } from '../registration-tokens.ts'
import { judgeAnotherPerson } from './another-person.ts'
import { changeOperations } from './changes.ts'
import { documentOperations, refused } from './documents.ts'
import { isLastDoor, lastDoor } from './doors.ts'
import { etagOf, etagOfValue } from './etag.ts'
import { listOperation } from './list-operation.ts'
import { onboardingOperations } from './onboarding-operations.ts'
import { issuerQuery, operation } from './operation.ts'
import { revocationOperations } from './revocation-operations.ts'
import { arePowerful, decidesForOthers, groundOf, isAdministrators, isPowerfulClient } from './risk.ts'
import { type AdminOperation, type AdminVisit, apiOf, done } from './visit.ts'

/** Repeated parameters as lists; one that is absent says nothing. */
const listed = z.union([z.string(), z.array(z.string()).max(200)]).transform(value => [value].flat())
const explainQuery = z.strictObject({
  issuer: z.string().max(2048).optional(),
  scope: listed.optional(),
  resource: listed.optional(),
  details: listed.optional(),
})

/** The person is who the token says: a body that names one does not fit. */
const requestGrant = requestGrantBody.omit({ as: true })
const changeGrant = changeGrantBody.omit({ as: true })
const changeApproval = changeApprovalBody.omit({ as: true })

const userElsewhere = refuse(
  'admin.user-elsewhere',
  ['HFA-2'],
  'access_denied',
  'the user of the token is one of the issuer that protects the admin API, and answers there alone',
)

const clientsWrite = 'admin.clients:write'

/** Everything the admin API does, in the order of its document. */
export const adminOperations: readonly AdminOperation[] = [
  operation({
    id: 'readStatus',
    method: 'GET',
    path: '/admin/v1/status',
    summary: 'Version, revision and issuers of the server that answers.',
    scopes: ['admin.status:read'],
    work: async visit => done(await apiOf(visit).status()),
  }),
  operation({
    id: 'readSelf',
    method: 'GET',
    path: '/admin/v1/self',
    summary: 'Who the token says is asking, and what of its scopes counts here.',
    scopes: [],
    work: async ({ caller: { name, isPerson, scopes, clientId, reach: issuers } }) => ({
      ok: true,
      status: 200,
      body: { name, isPerson, scopes, clientId, ...(issuers !== undefined && { issuers }) },
    }),
  }),
  ...documentOperations,
  operation({
    id: 'explainClient',
    method: 'GET',
    path: '/admin/v1/clients/:name/explain',
    summary: 'The profile of a request of this client, with who decided each field.',
    scopes: ['admin.clients:read'],
    query: explainQuery,
    work: async visit => {
      const { issuer, scope: scopes, resource: resources, details } = visit.query
      const asked = { issuer, scopes, resources, details }
      return done(await apiOf(visit).explainClient(visit.params.name ?? '', asked))
    },
  }),
  operation({
    id: 'rotateSecret',
    method: 'POST',
    path: '/admin/v1/secrets/rotation',
    summary: 'A new secret for a client; this answer is the only place where it stands.',
    scopes: [clientsWrite],
    body: rotateBody,
    twoPersons: {
      approve: 'admin.clients:approve',
      reasons: visit => powerful(visit, visit.body),
      base: async visit => baseOfClient(visit, visit.body.clientId),
    },
    work: async visit => done(await apiOf(visit).rotateSecret(visit.body)),
  }),
  operation({
    id: 'revokeSecret',
    method: 'POST',
    path: '/admin/v1/secrets/revocation',
    summary: 'Takes back one secret of a client, or all of them.',
    scopes: [clientsWrite],
    body: revokeBody,
    work: async visit => done(await apiOf(visit).revokeSecret(visit.body)),
  }),
  operation({
    id: 'renewRegistration',
    method: 'POST',
    path: '/admin/v1/registrations/renewal',
    summary: 'A new registration access token for a client that lost its own; it stands in this answer only.',
    scopes: [clientsWrite],
    body: renewBody,
    twoPersons: {
      approve: 'admin.clients:approve',
      reasons: visit => powerful(visit, visit.body),
      base: async visit => baseOfClient(visit, visit.body.clientId),
    },
    work: async visit => done(await apiOf(visit).renewRegistration(visit.body)),
  }),
  operation({
    id: 'listSecondFactors',
    method: 'POST',
    path: '/admin/v1/users/second-factors',
    summary: 'What a user has set up besides the password.',
    scopes: ['admin.users:read'],
    body: userBody,
    work: async visit => done(await apiOf(visit).secondFactors(visit.body)),
  }),
  operation({
    id: 'resetSecondFactors',
    method: 'POST',
    path: '/admin/v1/users/second-factors/reset',
    summary: 'Takes all second factors from a user who lost them, and ends the sessions.',
    scopes: ['admin.users:write'],
    body: userBody,
    twoPersons: {
      approve: 'admin.users:approve',
      reasons: async ({ body: { username, issuer }, standing, desk }) => {
        const { ports } = desk.options
        const ground = { before: standing.documents, after: [], audience: desk.audience }
        for (const { url } of issuersNamed(issuer, ports.issuers)) {
          if (isAdministrators(username, url, ground)) return [`User/${username}: an administrator`]
          const user = await ports.store.findUserByUsername(url, username)
          if (user !== undefined && decidesForOthers(user)) return [`User/${username}: approves for a group`]
        }
        return []
      },
      base: async visit => {
        const { ports } = visit.desk.options
        const found = await Promise.all(
          issuersNamed(visit.body.issuer, ports.issuers).map(async ({ url }) => {
            const user = await ports.store.findUserByUsername(url, visit.body.username)
            const factors = user === undefined ? [] : await ports.store.listAuthenticators(url, user.subject)
            return [`User/${visit.body.username} ${url}`, etagOfValue(factors.map(({ id }) => id))] as const
          }),
        )
        return Object.fromEntries(found)
      },
    },
    work: async visit => done(await apiOf(visit).resetSecondFactors(visit.body)),
  }),
  ...revocationOperations,
  listOperation({
    id: 'listRegistrationTokens',
    path: '/admin/v1/registration-tokens',
    summary: 'Tokens with which clients register, without the tokens themselves.',
    ...{ scope: 'admin.registration:read', kind: registrationTokenPlace },
    read: (api, asked) => api.registrationTokens(asked),
  }),
  operation({
    id: 'createRegistrationToken',
    method: 'POST',
    path: '/admin/v1/registration-tokens',
    summary: 'A token with which clients register; it stands in this answer only.',
    scopes: ['admin.registration:write'],
    body: createTokenBody,
    status: 201,
    twoPersons: {
      approve: 'admin.registration:approve',
      reasons: ({ body: { policy, issuer }, standing, desk }) => {
        const { scopes, resources, authorizationDetailsTypes: types = [] } = policy
        const ground = { before: standing.documents, after: [], audience: desk.audience }
        const rights = { scopes, resources, types, exchanges: false }
        return issuersNamed(issuer, desk.options.ports.issuers).some(({ url }) =>
          arePowerful(rights, url, ground),
        )
          ? ['clients that register with it may ask for more than tier 2']
          : []
      },
      base: async () => ({}),
    },
    work: async visit => done(await apiOf(visit).createRegistrationToken(visit.body), 201),
  }),
  operation({
    id: 'revokeRegistrationToken',
    method: 'POST',
    path: '/admin/v1/registration-tokens/revocation',
    summary: 'Takes back a token with which clients register.',
    scopes: ['admin.registration:write'],
    body: revokeTokenBody,
    work: async visit => done(await apiOf(visit).revokeRegistrationToken(visit.body)),
  }),
  listOperation({
    id: 'listScopeGrants',
    path: '/admin/v1/scope-grants',
    summary: 'Which client may have which scopes of a governed API, who approved it, until when.',
    ...{ scope: 'admin.governance:read', kind: 'ScopeGrant' },
    read: (api, asked) => api.listScopeGrants(asked),
  }),
  operation({
    id: 'requestScopeGrant',
    method: 'POST',
    path: '/admin/v1/scope-grants',
    summary: 'Asks that a client may have scopes of a governed API; gives nothing yet.',
    scopes: ['admin.governance:write'],
    body: requestGrant,
    status: 201,
    work: async visit => {
      const request = { ...visit.body, as: visit.caller.name }
      return done(await apiOf(visit).requestScopeGrant(request), 201)
    },
  }),
  operation({
    id: 'changeScopeGrant',
    method: 'POST',
    path: '/admin/v1/scope-grants/steps',
    summary:
      'One step of one grant. To approve and to review takes a person who neither asked nor answers for who asked.',
    scopes: ['admin.governance:write', 'admin.governance:approve'],
    needs: ({ body: { step } }) => [isApproval(step) ? 'admin.governance:approve' : 'admin.governance:write'],
    body: changeGrant,
    isHighRisk: ({ body: { step } }) => isApproval(step) || step === 'activate',
    twoPersons: {
      approve: 'admin.governance:approve',
      reasons: visit => (visit.body.step === 'revoke' ? closedDoors(visit, visit.body.name) : []),
      base: async ({ standing, body: { name } }) =>
        Object.fromEntries(
          grantsNamed(standing, name).map(({ issuerUrl, document }) => [
            `ScopeGrant/${name} ${issuerUrl}`,
            etagOfValue(document.source),
          ]),
        ),
    },
    work: async visit => {
      const { body, caller } = visit
      const refusal = isApproval(body.step) ? judgeApproval(visit, body) : undefined
      if (refusal !== undefined) return refused(refusal)
      return done(await apiOf(visit).changeScopeGrant({ ...body, as: caller.name }))
    },
  }),
  operation({
    id: 'reportScopes',
    method: 'POST',
    path: '/admin/v1/scope-report',
    summary: 'Who can do what, what nobody uses, what lets into too much, and where environments differ.',
    scopes: ['admin.governance:read'],
    body: reportBody,
    work: async visit => done(await apiOf(visit).reportScopes(visit.body)),
  }),
  ...onboardingOperations,
  listOperation({
    id: 'listApprovals',
    path: '/admin/v1/approvals',
    summary: 'What policies want approved, and which groups have not answered.',
    ...{ scope: 'admin.governance:read', kind: 'Approval' },
    read: (api, asked) => api.listApprovals(asked),
  }),
  operation({
    id: 'changeApproval',
    method: 'POST',
    path: '/admin/v1/approvals',
    summary: 'The user of the token answers for a group that is asked.',
    scopes: ['admin.governance:approve'],
    body: changeApproval,
    isPersonal: true,
    isHighRisk: ({ body: { step } }) => step === 'approve',
    work: async visit => {
      const { body, caller, desk } = visit
      const [own, ...more] = issuersNamed(body.issuer ?? desk.issuerUrl, desk.options.ports.issuers)
      // A user of the same name elsewhere is somebody else.
      if (own?.url !== desk.issuerUrl || more.length > 0) return refused(userElsewhere)
      const request = { ...body, issuer: own.url, as: caller.username ?? '' }
      return done(await apiOf(visit).changeApproval(request))
    },
  }),
  operation({
    id: 'listPolicies',
    method: 'GET',
    path: '/admin/v1/policies',
    summary: 'Versions of policies and their states.',
    scopes: ['admin.policies:read'],
    query: issuerQuery,
    work: async visit => done(await apiOf(visit).listPolicies(visit.query.issuer)),
  }),
  operation({
    id: 'submitPolicies',
    method: 'POST',
    path: '/admin/v1/policies',
    summary: 'Stores policies as a new version; nothing decides by it yet.',
    scopes: ['admin.policies:write'],
    body: submitPoliciesBody,
    work: async visit => done(await apiOf(visit).submitPolicies(visit.body)),
  }),
  operation({
    id: 'simulatePolicies',
    method: 'POST',
    path: '/admin/v1/policies/simulation',
    summary: 'What these policies would have decided otherwise.',
    // A draft may ask for one person at one hour: whoever hears what it would have decided reads the audit.
    scopes: ['admin.policies:read', 'admin.audit:read'],
    body: simulatePoliciesBody,
    work: async visit => done(await apiOf(visit).simulatePolicies(visit.body)),
  }),
  operation({
    id: 'changePolicies',
    method: 'POST',
    path: '/admin/v1/policies/changes',
    summary: 'One step of one version. To make one active, or to roll back, takes two persons.',
    scopes: ['admin.policies:write', 'admin.policies:approve'],
    needs: ({ body: { step } }) => [step === 'approve' ? 'admin.policies:approve' : 'admin.policies:write'],
    body: changePoliciesBody,
    twoPersons: {
      approve: 'admin.policies:approve',
      reasons: decidingNext,
      base: async ({ standing }) =>
        Object.fromEntries(
          standing.records
            .filter(({ documentKind }) => documentKind === 'PolicySet')
            .map(({ name, issuer, body }) => [`PolicySet/${name} ${issuer}`, etagOf(body)]),
        ),
    },
    work: async visit => done(await apiOf(visit).changePolicies(visit.body)),
  }),
  operation({
    id: 'listKeys',
    method: 'GET',
    path: '/admin/v1/keys',
    summary: 'Signing keys, their states, and who verifies with them.',
    scopes: ['admin.keys:read'],
    query: issuerQuery,
    work: async visit => done(await apiOf(visit).listKeys(visit.query.issuer)),
  }),
  operation({
    id: 'rotateKeys',
    method: 'POST',
    path: '/admin/v1/keys/rotation',
    summary: 'Makes new signing keys. Takes two persons.',
    scopes: ['admin.keys:write'],
    body: rotateKeysBody,
    twoPersons: {
      approve: 'admin.keys:approve',
      reasons: () => ['what the server signs with'],
      base: async visit => baseOfKeys(visit),
    },
    work: async visit => done(await apiOf(visit).rotateKeys(visit.body)),
  }),
  operation({
    id: 'revokeKey',
    method: 'POST',
    path: '/admin/v1/keys/revocation',
    summary: 'Takes a signing key back at once. Takes two persons; who runs the server needs none.',
    scopes: ['admin.keys:write'],
    body: revokeKeyBody,
    twoPersons: {
      approve: 'admin.keys:approve',
      reasons: ({ body: { kid } }) => [`everything signed with ${kid} is void`],
      base: async visit => baseOfKeys(visit),
    },
    work: async visit => done(await apiOf(visit).revokeKey(visit.body)),
  }),
  operation({
    id: 'readAudit',
    method: 'GET',
    path: '/admin/v1/audit',
    summary: 'Records of a reference id or transaction id, oldest first.',
    scopes: ['admin.audit:read'],
    query: z.strictObject({ id: z.string().min(1).max(128) }),
    work: async visit => done(await apiOf(visit).audit(visit.query.id)),
  }),
  operation({
    id: 'verifyAudit',
    method: 'GET',
    path: '/admin/v1/audit/verification',
    summary: 'Whether every record stands where and as it was written.',
    scopes: ['admin.audit:read'],
    isWhole: true,
    work: async visit => done(await apiOf(visit).verifyAudit()),
  }),
  ...changeOperations(id => adminOperations.find(known => known.id === id)),
]

function isApproval(step: string): boolean {
  return step === 'approve' || step === 'review'
}

/** Not by who asked, nor twice by one. Grants of other issuers may have this name, and other kinds of documents too. */
function judgeApproval(
  visit: Pick<AdminVisit, 'caller' | 'standing' | 'administrators'>,
  { step, name }: z.infer<typeof changeGrant>,
): Refusal | undefined {
  const asking = grantsNamed(visit.standing, name).flatMap(({ document }) => {
    const { content, approvals } = document.spec
    return [content.requestedBy, ...(step === 'approve' ? approvals.map(({ by }) => by) : [])]
  })
  return judgeAnotherPerson(visit, asking)
}

function grantsNamed({ documents }: AdminVisit['standing'], name: string) {
  return documents.flatMap(({ issuerUrl, document }) =>
    document.kind === 'ScopeGrant' && document.name === name ? [{ issuerUrl, document }] : [],
  )
}

/** To take scopes from a client takes one person, but for those by which administrators come in at last. */
function closedDoors(
  { standing, desk }: Pick<AdminVisit, 'standing' | 'desk'>,
  name: string,
): readonly string[] {
  const { documents: before } = standing
  const after = before.filter(({ document }) => document.kind !== 'ScopeGrant' || document.name !== name)
  const ground = { before, after, ...groundOf(desk) }
  return grantsNamed(standing, name).flatMap(({ issuerUrl, document }) => {
    const { client } = document.spec.content
    return isLastDoor(client, issuerUrl, ground) ? [`Client/${client}: ${lastDoor}`] : []
  })
}

/** By the names of the versions: who confirms reads more than the beginning of one. */
function decidingNext({
  body,
  standing,
  desk,
}: Pick<AdminVisit<z.infer<typeof changePoliciesBody>>, 'body' | 'standing' | 'desk'>): readonly string[] {
  const { step, issuer } = body
  if (step !== 'activate' && step !== 'rollback') return []
  const urls = issuersNamed(issuer, desk.options.ports.issuers).map(({ url }) => url)
  const versions = standing.documents.flatMap(({ issuerUrl, document }) =>
    document.kind === 'PolicySet' && urls.includes(issuerUrl) ? [document] : [],
  )
  const next =
    step === 'activate'
      ? versions.filter(({ name }) => name.startsWith(body.name)).map(({ name }) => name)
      : versions.flatMap(({ spec }) => (spec.state === 'active' ? [spec.replaced ?? shippedName] : []))
  return [`which policies decide: ${next.join(', ')}`.slice(0, 400)]
}

interface AboutClient {
  readonly clientId: string
  readonly issuer?: string | undefined
}

/** Who holds a secret of a client is that client. */
function powerful(
  { standing, desk }: Pick<AdminVisit, 'standing' | 'desk'>,
  { clientId, issuer }: AboutClient,
): readonly string[] {
  const asked = issuersNamed(issuer, desk.options.ports.issuers)
  return asked.some(({ url }) => isPowerfulClient(clientId, url, standing.documents, desk.audience))
    ? [`Client/${clientId}: may ask for more than tier 2`]
    : []
}

function baseOfClient({ standing }: Pick<AdminVisit, 'standing'>, clientId: string) {
  return Object.fromEntries(
    standing.records
      .filter(({ name, documentKind }) => name === clientId && /Client/.test(documentKind))
      .map(({ documentKind, name, issuer, body }) => [`${documentKind}/${name} ${issuer}`, etagOf(body)]),
  )
}

/** Which keys there are and what they are for; a key that became active meanwhile is another state of things. */
function baseOfKeys({ desk }: Pick<AdminVisit, 'desk'>) {
  const { keys, ports } = desk.options
  const standing = ports.issuers.map(({ url }) =>
    (keys?.list(url) ?? []).map(({ kid, state }) => `${kid} ${state}`),
  )
  return { keys: etagOfValue(standing) }
}
