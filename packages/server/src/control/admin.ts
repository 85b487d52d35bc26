import { readFileSync } from 'node:fs'
import { pid } from 'node:process'
import type { EpochSeconds } from '@holdfast/protocol'
import { Fault, type Outbound } from '../ports.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { AdminApi, Answer, DocumentList, PageRequest, ProblemDetails } from './admin-api.ts'
import { apply, type ControlPorts } from './apply.ts'
import { changeApproval, listApprovals } from './approvals.ts'
import { revokeSecret, rotateSecret } from './client-secrets.ts'
import { documentPage } from './document-page.ts'
import { storedDocuments } from './documents.ts'
import { explainClient } from './explain-client.ts'
import { issuersNamed } from './issuers-named.ts'
import { type KeyDesk, listKeys, revokeKey, rotateKeys } from './keys.ts'
import { pageOfDue } from './onboarding/due.ts'
import { onboardingFlags } from './onboarding/flags.ts'
import { changeOnboarding, draftOnboarding, listOnboardings } from './onboarding/onboardings.ts'
import { checkOnboarding } from './onboarding/run-check.ts'
import { misfitOfPage } from './page.ts'
import { changePolicies, listPolicies, submitPolicies } from './policy-sets.ts'
import { type Checked, checked, type Problem, wrong } from './problem.ts'
import {
  createRegistrationToken,
  listRegistrationTokens,
  renewRegistration,
  revokeRegistrationToken,
} from './registration-tokens.ts'
import { kindNames } from './resources/index.ts'
import { revokeAccess } from './revoke-access.ts'
import { revokeTenant } from './revoke-tenant.ts'
import { changeScopeGrant, listScopeGrants, requestScopeGrant } from './scope-grants.ts'
import { reportScopes } from './scope-report.ts'
import { listSecondFactors, resetSecondFactors } from './second-factors.ts'
import { simulatePolicies } from './simulate-policies.ts'
import { verifyAudit } from './verify-audit.ts'

export interface AdminOptions {
  readonly ports: ControlPorts
  /** The revision being served; undefined when no server runs and the store is worked on directly. */
  readonly snapshot: (() => Snapshot) | undefined
  /** The keys being signed with; undefined when no server runs. */
  readonly keys: KeyDesk | undefined
  /** By which a check fetches the keys of clients. */
  readonly outbound: Pick<Outbound, 'getJson'>
  /** Called after an apply that changed something, so that this node serves it at once. */
  readonly onApplied: () => Promise<void>
  readonly startedAt: EpochSeconds
}

/** Records of one reference id; a transaction has a handful. */
const auditMax = 1000
const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

/** The admin API over a store. Faults come back as problem details, so that the caller has one kind of answer. */
export function adminOver(options: AdminOptions): AdminApi {
  const { ports, onApplied } = options
  return {
    status: () => answered(() => statusOf(options)),
    apply: request =>
      answered(async () => {
        const applied = await apply(request, ports)
        if (!applied.ok) return invalid(applied.problems)
        if (applied.value.reference !== undefined) await onApplied()
        return value(applied.value)
      }),
    rotateSecret: request => applied(() => rotateSecret(request, ports, options.keys), onApplied),
    revokeSecret: request => applied(() => revokeSecret(request, ports), onApplied),
    secondFactors: query =>
      answered(async () => {
        const listed = await listSecondFactors(query, ports)
        return listed.ok ? value(listed.value) : invalid(listed.problems)
      }),
    resetSecondFactors: query =>
      answered(async () => {
        const reset = await resetSecondFactors(query, ports)
        return reset.ok ? value(reset.value) : invalid(reset.problems)
      }),
    revokeAccess: request =>
      answered(async () => {
        const revoked = await revokeAccess(request, ports)
        return revoked.ok ? value(revoked.value) : invalid(revoked.problems)
      }),
    revokeTenant: request => over(() => revokeTenant(request, ports)),
    createRegistrationToken: request => over(() => createRegistrationToken(request, ports)),
    registrationTokens: (asked = {}) => over(() => listRegistrationTokens(asked, ports)),
    revokeRegistrationToken: request => over(() => revokeRegistrationToken(request, ports)),
    renewRegistration: request => over(() => renewRegistration(request, ports)),
    requestScopeGrant: request => applied(() => requestScopeGrant(request, ports), onApplied),
    changeScopeGrant: request => applied(() => changeScopeGrant(request, ports), onApplied),
    listScopeGrants: (asked = {}) => over(() => listScopeGrants(asked, ports)),
    reportScopes: request => over(() => reportScopes(request, ports)),
    listApprovals: (asked = {}) => over(() => listApprovals(asked, ports)),
    changeApproval: request => over(() => changeApproval(request, ports)),
    draftOnboarding: request => applied(() => draftOnboarding(request, ports), onApplied),
    changeOnboarding: request => applied(() => changeOnboarding(request, ports), onApplied),
    checkOnboarding: request => applied(() => checkOnboarding(request, ports, options.outbound), onApplied),
    listOnboardings: (asked = {}) => over(() => listOnboardings(asked, ports)),
    dueOnboardings: request => over(() => pageOfDue(request, ports)),
    onboardingFlags: request => over(() => onboardingFlags(request, ports)),
    submitPolicies: request => applied(() => submitPolicies(request, ports), onApplied),
    changePolicies: request => applied(() => changePolicies(request, ports), onApplied),
    simulatePolicies: request => over(() => simulatePolicies(request, ports)),
    listPolicies: issuer =>
      answered(async () => {
        const listed = await listPolicies(issuer, ports)
        return listed.ok ? value({ policies: listed.value }) : invalid(listed.problems)
      }),
    listKeys: issuer => answered(async () => overKeys(options, desk => listKeys(desk, ports, issuer))),
    rotateKeys: request => answered(async () => overKeys(options, desk => rotateKeys(desk, ports, request))),
    revokeKey: request => answered(async () => overKeys(options, desk => revokeKey(desk, ports, request))),
    documents: (asked = {}) => over(() => documentsOf(asked, ports)),
    audit: id => answered(async () => value({ records: await ports.store.findAudit(id, auditMax) })),
    verifyAudit: () => answered(async () => value(await verifyAudit(ports.store))),
    explainClient: (clientId, asked = {}) =>
      answered(async () => {
        const documents = storedDocuments(await ports.store.listDocuments())
        if (!documents.ok) return invalid(documents.problems)
        for (const binding of issuersNamed(asked.issuer, ports.issuers)) {
          const explained = explainClient(documents.value, binding, clientId, asked)
          if (explained === undefined) continue
          return explained.ok ? value(explained.value) : invalid(explained.problems)
        }
        return problem(404, 'no such client', `there is no client \`${clientId}\``)
      }),
  }
}

async function statusOf({ ports, snapshot, startedAt }: AdminOptions): ReturnType<AdminApi['status']> {
  const served = snapshot?.()
  const issuers = ports.issuers.map(({ name, url, environment }) => {
    const issuer = served?.issuers.get(url)
    return { name, url, environment, floor: issuer?.floor.name ?? '', clients: issuer?.clients.size ?? 0 }
  })
  const revision = await ports.store.revision()
  return value({ version, pid, startedAt, revision, servedRevision: served?.revision ?? 0, issuers })
}

async function documentsOf(
  asked: PageRequest,
  { store, issuers }: ControlPorts,
): Promise<Checked<DocumentList>> {
  const revision = await store.revision()
  const records = await store.listDocuments()
  const stored = records.map(({ issuer }) => issuer)
  // Also kinds that another version wrote: who works on the machine sees all that is there.
  const kinds = [...new Set([...kindNames, ...records.map(({ documentKind }) => documentKind)])]
  const misfit = misfitOfPage(asked, issuers, kinds, stored)
  return misfit === undefined
    ? checked(documentPage({ revision, records }, asked, issuers, kinds))
    : wrong({ document: 'documents', ...misfit })
}

function over<T>(work: () => Promise<Checked<T>>): Promise<Answer<T>> {
  return answered(async () => {
    const done = await work()
    return done.ok ? value(done.value) : invalid(done.problems)
  })
}

/** Work that changed the revision: this node serves it before the answer leaves. */
function applied<T>(work: () => Promise<Checked<T>>, onApplied: () => Promise<void>): Promise<Answer<T>> {
  return over(async () => {
    const done = await work()
    if (done.ok) await onApplied()
    return done
  })
}

async function overKeys<T>(
  { keys }: AdminOptions,
  work: (desk: KeyDesk) => Promise<T | undefined>,
): Promise<Answer<T>> {
  if (keys === undefined)
    return problem(409, 'no server runs here', 'keys are changed by the server that signs with them')
  const found = await work(keys)
  return found === undefined ? problem(404, 'no such key', 'nothing here has that name') : value(found)
}

async function answered<T>(work: () => Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await work()
  } catch (thrown) {
    if (thrown instanceof Fault) return problem(503, 'the server cannot do this now', thrown.code)
    throw thrown
  }
}

function value<T>(result: T): Answer<T> {
  return { ok: true, value: result }
}

export function invalid(problems: readonly Problem[]): Answer<never> {
  const detail = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  return {
    ok: false,
    problem: { type: 'about:blank', title: 'the documents are not valid', status: 422, detail, problems },
  }
}

/** A problem without a list. */
export function problem(
  status: number,
  title: string,
  detail: string,
): { ok: false; problem: ProblemDetails } {
  return { ok: false, problem: { type: 'about:blank', title, status, detail } }
}
