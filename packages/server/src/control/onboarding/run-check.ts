import type { Outbound } from '../../ports.ts'
import { compileSnapshot } from '../../snapshot/compile.ts'
import type { ControlPorts } from '../apply.ts'
import { type Changed, changeDocuments } from '../change-documents.ts'
import { hashOfContent } from '../content-approvals.ts'
import type { DocumentOf } from '../document.ts'
import { storedDocuments } from '../documents.ts'
import { issuersNamed } from '../issuers-named.ts'
import { type Checked, checked, wrong } from '../problem.ts'
import type { ClientOnboardingSpec, OnboardingFinding } from '../resources/client-onboarding.ts'
import type { CheckedOnboarding, CheckOnboarding } from './api.ts'
import { type CheckFacts, findingsOf } from './check.ts'
import { gatherFacts } from './check-facts.ts'
import { findRecord } from './onboardings.ts'
import { findClientSpec, thumbprintOfJwk } from './registration.ts'
import { judgeStep } from './steps.ts'
import { type OnboardingAnswer, taken } from './taken.ts'

type RecordDocument = DocumentOf<'ClientOnboarding'>
type Answer = OnboardingAnswer & Pick<CheckedOnboarding, 'passed' | 'findings'>

/** Keys remembered with the second in which a check first saw them. */
const keysSeenMax = 40

/** Looks at the client and everything its record names, and records what was found with the content it was found for. */
export async function checkOnboarding(
  request: CheckOnboarding,
  ports: ControlPorts,
  outbound: Pick<Outbound, 'getJson'>,
): Promise<Checked<Changed<Answer>>> {
  // What takes time comes first; the record is moved on only if it is still the same one then.
  const gathered = await gather(request, ports, outbound)
  if (!gathered.ok) return gathered
  const { name, facts } = gathered.value
  const findings = findingsOf(facts)
  return changeDocuments('ClientOnboarding', request.issuer, ports, own => {
    const now = ports.clock.now()
    const found = findRecord(own, name, 'check', now)
    if (!found.ok) return found
    const no = judgeStep(found.value, { request: { step: 'check', as: request.as }, now, own })
    if (no !== undefined) return no
    const check = { ...checkOf(found.value, facts, findings), by: request.as, at: now }
    const spec = { ...found.value.spec, state: stateAfter(found.value.spec.state, check.passed), check }
    const rules = [...new Set(findings.map(({ rule }) => rule))]
    const step = taken('checked', { name, spec }, request.as, {
      facts: { passed: check.passed, findings: rules },
    })
    return checked({ ...step, answer: { ...step.answer, passed: check.passed, findings } })
  })
}

async function gather(
  { record, issuer }: CheckOnboarding,
  { store, issuers, clock }: ControlPorts,
  outbound: Pick<Outbound, 'getJson'>,
): Promise<Checked<{ readonly name: string; readonly facts: CheckFacts }>> {
  const [binding, ...more] = issuersNamed(issuer, issuers)
  const document = `ClientOnboarding/${record}`
  if (binding === undefined || more.length > 0) {
    const names = issuers.map(({ name }) => name).join(', ')
    return wrong({ document, field: 'issuer', message: `name one of ${names}` })
  }
  const revision = await store.revision()
  const stored = storedDocuments(await store.listDocuments())
  if (!stored.ok) return stored
  const own = stored.value
    .filter(({ issuerUrl }) => issuerUrl === binding.url)
    .map(({ document: placed }) => placed)
  const now = clock.now()
  const found = findRecord(own, record, 'check', now)
  if (!found.ok) return found
  const { name, spec } = found.value
  const client = findClientSpec(own, spec.content.client)
  const compiled = compileSnapshot({ revision, issuers, documents: stored.value })
  if (!compiled.ok) return compiled
  const snapshot = compiled.value.issuers.get(binding.url)
  if (client === undefined || snapshot === undefined)
    return wrong({ document, field: 'spec.content.client', message: 'there is no such client any more' })
  return checked({ name, facts: await gatherFacts({ spec, client, own, issuer: snapshot, outbound, now }) })
}

function checkOf(
  { spec: { content, check: before } }: RecordDocument,
  { keys, certificates, now }: CheckFacts,
  findings: readonly OnboardingFinding[],
): Omit<NonNullable<ClientOnboardingSpec['check']>, 'by' | 'at'> {
  const known = new Map((before?.keysSeen ?? []).map(({ thumbprint, since }) => [thumbprint, since]))
  const seen = [...new Set(keys.map(thumbprintOfJwk))].slice(0, keysSeenMax)
  return {
    content: hashOfContent(content),
    passed: findings.every(({ level }) => level === 'warning'),
    findings: [...findings],
    keysSeen: seen.map(thumbprint => ({ thumbprint, since: known.get(thumbprint) ?? now })),
    certificatesEnd: certificates.filter(({ isReadable }) => isReadable).map(({ notAfter }) => notAfter),
  }
}

/** What was approved stays approved: a check that fails then keeps the client from becoming active. */
function stateAfter(state: ClientOnboardingSpec['state'], passed: boolean): ClientOnboardingSpec['state'] {
  if (state === 'submitted' && passed) return 'checked'
  return state === 'checked' && !passed ? 'submitted' : state
}
