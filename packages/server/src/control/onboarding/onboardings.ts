import type { OnboardingStep } from '@holdfast/protocol/specs/holdfast-onboarding/step-rules.ts'
import type { ControlPorts } from '../apply.ts'
import { type Changed, changeDocuments } from '../change-documents.ts'
import { daySeconds } from '../content-approvals.ts'
import { type ControlDocument, type DocumentOf, ofKind } from '../document.ts'
import { storedDocuments } from '../documents.ts'
import { issuersNamed } from '../issuers-named.ts'
import { misfitOfPage, pageOf, placeAt } from '../page.ts'
import type { PageRequest } from '../page-api.ts'
import { type Checked, checked, wrong } from '../problem.ts'
import {
  type ClientOnboardingSpec,
  type OnboardingContent,
  onboardingForm,
} from '../resources/client-onboarding.ts'
import { judgeRoom } from '../room-for-records.ts'
import { checkShape } from '../shape.ts'
import { unknownName } from '../suggestion.ts'
import type { DraftOnboarding, ListedOnboarding, OnboardingChange, OnboardingList } from './api.ts'
import { movedNow, registrationNow } from './registration-now.ts'
import {
  approvedKeys,
  onboardingEndsAt,
  onboardingName,
  onboardingReviewDueAt,
  onboardingState,
} from './state.ts'
import { takeStep } from './steps.ts'
import { approvalsMissing, type OnboardingAnswer, taken } from './taken.ts'

type RecordDocument = DocumentOf<'ClientOnboarding'>
type Documents = readonly ControlDocument[]

/** Writes down what is to be approved of a client, with what it is registered for now. Gives nothing yet. */
export function draftOnboarding(
  request: DraftOnboarding,
  ports: ControlPorts,
): Promise<Checked<Changed<OnboardingAnswer>>> {
  const { as, days } = request
  const parsed = checkShape('ClientOnboarding', '', onboardingForm, request.form)
  if (!parsed.ok) return Promise.resolve(parsed)
  const form = parsed.value
  return changeDocuments('ClientOnboarding', request.issuer, ports, (own, binding) => {
    const document = 'ClientOnboarding'
    const registration = registrationNow(own, form.client)
    if (registration === undefined) {
      const clients = [...ofKind(own, 'Client'), ...ofKind(own, 'RegisteredClient')]
      const known = new Map(clients.map(client => [client.name, client]))
      return wrong(unknownName(document, 'client', 'client', form.client, known))
    }
    const now = ports.clock.now()
    const content: OnboardingContent = {
      ...{ ...form, environment: binding.environment, registration },
      ...{ requestedBy: as, requestedAt: now, expiresAt: now + days * daySeconds },
    }
    const name = onboardingName(content)
    const spec: ClientOnboardingSpec = { content, state: 'draft', approvals: [], rotations: [] }
    const message = judgeRoom(ofKind(own, document), { spec })
    if (message !== undefined) return wrong({ document, field: '', message })
    return checked(taken('drafted', { name, spec }, as))
  })
}

/** One step of one record, by a person. */
export function changeOnboarding(
  request: OnboardingChange,
  ports: ControlPorts,
): Promise<Checked<Changed<OnboardingAnswer>>> {
  return changeDocuments('ClientOnboarding', request.issuer, ports, (own, binding) => {
    const now = ports.clock.now()
    const found = findRecord(own, request.record, request.step, now)
    return found.ok ? takeStep(found.value, { request, now, own, issuer: binding.url }) : found
  })
}

/** Steps by which somebody answers for what the record says: they name it whole, for its name is its content. */
const bindingSteps: readonly OnboardingStep[] = [
  'submit',
  'approve',
  'certify',
  'activate',
  'approve-key',
  'remove',
]

/** The record of this name, or, for steps that bind nobody to its content, the one its client stands by. */
export function findRecord(
  own: Documents,
  name: string,
  step: OnboardingStep,
  now: number,
): Checked<RecordDocument> {
  const records = ofKind(own, 'ClientOnboarding')
  const exact = records.find(record => record.name === name)
  if (exact !== undefined) return checked(exact)
  const document = `ClientOnboarding/${name}`
  const ofClient = records.filter(({ spec }) => spec.content.client === name)
  if (bindingSteps.includes(step) || ofClient.length === 0) {
    const hint = ofClient.length === 0 ? '' : ': name the record whole, it is the hash of what you answer for'
    return wrong({ document, field: '', message: `there is no such record${hint}` })
  }
  const standing = ofClient.filter(({ spec }) => spec.state === 'active' || spec.state === 'suspended')
  const open = ofClient.filter(({ spec }) => !['retired', 'expired'].includes(onboardingState(spec, now)))
  const candidates = step === 'check' && open.length > 1 ? open : standing.length > 0 ? standing : open
  const [first, ...more] = candidates
  if (first === undefined || more.length > 0) {
    const message = `the client has ${candidates.length} records: name one`
    return wrong({ document, field: '', message })
  }
  return checked(first)
}

/** Records of an issuer, or of all, as they are now: one page, by issuer and name. */
export async function listOnboardings(
  asked: PageRequest,
  { store, issuers, clock }: ControlPorts,
): Promise<Checked<OnboardingList>> {
  const document = 'ClientOnboarding'
  const misfit = misfitOfPage(asked, issuers, [document])
  if (misfit !== undefined) return wrong({ document, ...misfit })
  const stored = storedDocuments(await store.listDocuments())
  if (!stored.ok) return stored
  const now = clock.now()
  const records = issuersNamed(asked.issuer, issuers).flatMap(({ url: issuer }) => {
    const own = stored.value.filter(({ issuerUrl }) => issuerUrl === issuer).map(placed => placed.document)
    return ofKind(own, document).map(record => ({ record, own, issuer, name: record.name }))
  })
  const { page, ...more } = pageOf(records, asked, {
    placeOf: at => placeAt(document, at),
    show: ({ record, own, issuer }) => listed(record, own, issuer, now),
  })
  return checked({ onboardings: page, ...more })
}

function listed(
  { name, spec }: RecordDocument,
  own: Documents,
  issuer: string,
  now: number,
): ListedOnboarding {
  const { content, approvals, certification, rotations, check, suspended, retired } = spec
  const state = onboardingState(spec, now)
  const reviewDueAt = onboardingReviewDueAt(spec)
  const proposed = rotations.find(({ approved }) => approved === undefined)
  return {
    ...{ name, client: content.client, issuer, state, content },
    approvedBy: approvals.map(({ by }) => by),
    approvalsMissing: approvalsMissing(spec),
    endsAt: onboardingEndsAt(spec),
    keys: approvedKeys(spec).map(({ kid, until, ...key }) => ({
      ...key,
      ...(kid !== undefined && { kid }),
      ...(until !== undefined && { until }),
    })),
    moved: state === 'retired' ? [] : movedNow(spec, own),
    ...(certification !== undefined && { certifiedBy: certification.by }),
    ...(reviewDueAt !== undefined && state !== 'retired' && { reviewDueAt }),
    ...(check !== undefined && { check }),
    ...(proposed !== undefined && {
      proposedKey: { thumbprint: proposed.key.thumbprint, by: proposed.proposed.by },
    }),
    ...(suspended !== undefined && { suspended }),
    ...(retired !== undefined && { retired }),
  }
}
