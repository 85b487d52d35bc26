import type { Refusal } from '@holdfast/protocol'
import type { PlacedDocument } from '../../snapshot/compile.ts'
import type { OnboardingChange } from '../admin-api.ts'
import {
  changeOnboardingBody,
  checkOnboardingBody,
  draftOnboardingBody,
  dueBody,
  flagsBody,
} from '../onboarding/bodies.ts'
import type { ClientOnboardingSpec } from '../resources/client-onboarding.ts'
import { judgeAnotherPerson } from './another-person.ts'
import { refused } from './documents.ts'
import { isLastDoor, lastDoor, withSuspended } from './doors.ts'
import { etagOfValue } from './etag.ts'
import { judgePage, listOperation } from './list-operation.ts'
import { operation } from './operation.ts'
import { groundOf } from './risk.ts'
import { type AdminOperation, type AdminVisit, apiOf, done } from './visit.ts'

/** The person is who the token says: a body that names one does not fit. */
const draft = draftOnboardingBody.omit({ as: true })
const change = changeOnboardingBody.omit({ as: true })
const check = checkOnboardingBody.omit({ as: true })

type Step = OnboardingChange['step']

/** Steps by which somebody answers for what another one wrote down. */
const approvals: ReadonlySet<Step> = new Set<Step>(['approve', 'certify', 'review', 'approve-key', 'resume'])

export const onboardingOperations: readonly AdminOperation[] = [
  listOperation({
    id: 'listOnboardings',
    path: '/admin/v1/onboardings',
    summary: 'What was approved of each client, by whom, until when.',
    ...{ scope: 'admin.governance:read', kind: 'ClientOnboarding' },
    read: (api, asked) => api.listOnboardings(asked),
  }),
  operation({
    id: 'draftOnboarding',
    method: 'POST',
    path: '/admin/v1/onboardings',
    summary: 'Writes down what is to be approved of a registered client; gives nothing yet.',
    scopes: ['admin.governance:write'],
    body: draft,
    status: 201,
    work: async visit => {
      const request = { ...visit.body, as: visit.caller.name }
      return done(await apiOf(visit).draftOnboarding(request), 201)
    },
  }),
  operation({
    id: 'changeOnboarding',
    method: 'POST',
    path: '/admin/v1/onboardings/steps',
    summary:
      'One step of one record. To approve, certify, review and resume takes a person who neither asked nor answers for who asked.',
    scopes: ['admin.governance:write', 'admin.governance:approve'],
    needs: ({ body: { step } }) => [
      approvals.has(step) ? 'admin.governance:approve' : 'admin.governance:write',
    ],
    body: change,
    isHighRisk: ({ body: { step } }) => approvals.has(step) || step === 'activate',
    twoPersons: {
      approve: 'admin.governance:approve',
      reasons: visit => closedDoors(visit, visit.body),
      base: async ({ standing, body: { record } }) =>
        Object.fromEntries(
          recordsNamed(standing.documents, record).map(({ issuerUrl, document }) => [
            `ClientOnboarding/${document.name} ${issuerUrl}`,
            etagOfValue(document.source),
          ]),
        ),
    },
    work: async visit => {
      const { body, caller } = visit
      const refusal = approvals.has(body.step) ? judgeApproval(visit, body) : undefined
      if (refusal !== undefined) return refused(refusal)
      return done(await apiOf(visit).changeOnboarding({ ...body, as: caller.name }))
    },
  }),
  operation({
    id: 'checkOnboarding',
    method: 'POST',
    path: '/admin/v1/onboardings/checks',
    summary: 'Runs the automatic checks of one record, and keeps what they found.',
    scopes: ['admin.governance:write'],
    body: check,
    work: async visit => {
      const request = { ...visit.body, as: visit.caller.name }
      return done(await apiOf(visit).checkOnboarding(request))
    },
  }),
  operation({
    id: 'listDueOnboardings',
    method: 'POST',
    path: '/admin/v1/onboardings/due',
    summary: 'What ends soon or waits for somebody: records, reviews, keys, certificates, secrets.',
    scopes: ['admin.governance:read'],
    body: dueBody,
    work: async visit => {
      const refusal = judgePage(visit, visit.body, ['ClientOnboarding'], { of: 'body' })
      return refusal === undefined ? done(await apiOf(visit).dueOnboardings(visit.body)) : refused(refusal)
    },
  }),
  operation({
    id: 'listOnboardingFlags',
    method: 'POST',
    path: '/admin/v1/onboardings/flags',
    summary: 'What the audit holds against clients.',
    scopes: ['admin.governance:read'],
    body: flagsBody,
    work: async visit => done(await apiOf(visit).onboardingFlags(visit.body)),
  }),
]

/** To stop a client takes one person, but for the last one by which administrators come in. */
function closedDoors(
  { standing, desk }: Pick<AdminVisit, 'standing' | 'desk'>,
  { step, record }: { readonly step: Step; readonly record: string },
): readonly string[] {
  if (step !== 'suspend' && step !== 'retire') return []
  const { documents: before } = standing
  return recordsNamed(before, record).flatMap(({ issuerUrl, document }) => {
    const { client } = document.spec.content
    const ground = { before, after: withSuspended(before, issuerUrl, client), ...groundOf(desk) }
    return isLastDoor(client, issuerUrl, ground) ? [`Client/${client}: ${lastDoor}`] : []
  })
}

/** Of this name, or of the client of this name. */
function recordsNamed(documents: readonly PlacedDocument[], record: string) {
  return documents.flatMap(({ issuerUrl, document }) =>
    document.kind === 'ClientOnboarding' &&
    (document.name === record || document.spec.content.client === record)
      ? [{ issuerUrl, document }]
      : [],
  )
}

function judgeApproval(
  visit: Pick<AdminVisit, 'caller' | 'standing' | 'administrators'>,
  { step, record }: { readonly step: Step; readonly record: string },
): Refusal | undefined {
  // Some steps also take the name of a client: whoever asked in any of its records is kept out.
  const asking = recordsNamed(visit.standing.documents, record).flatMap(({ document }) =>
    askedBy(document.spec, step),
  )
  return judgeAnotherPerson(visit, asking)
}

function askedBy(
  { content, submitted, approvals: given, rotations, suspended }: ClientOnboardingSpec,
  step: Step,
) {
  if (step === 'approve-key')
    return rotations.flatMap(({ proposed, approved }) => (approved === undefined ? [proposed.by] : []))
  if (step === 'resume') return suspended === undefined ? [] : [suspended.by]
  const asking = submitted === undefined ? [content.requestedBy] : [content.requestedBy, submitted.by]
  return [...asking, ...(step === 'approve' ? given.map(({ by }) => by) : [])]
}
