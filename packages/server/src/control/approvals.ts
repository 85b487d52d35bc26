import { misfitOfDetail } from '@holdfast/protocol/specs/rfc9396-rar/misfit.ts'
import { type DetailWords, wordsOf } from '@holdfast/protocol/specs/rfc9396-rar/words.ts'
import {
  approvalFacts,
  approvalKey,
  denyApproval,
  giveApproval,
  groupsMissing,
  judgeApprover,
  standingOf,
} from '../data/approvals/approval.ts'
import { compileSnapshot, type IssuerBinding } from '../snapshot/compile.ts'
import type { IssuerSnapshot } from '../snapshot/snapshot.ts'
import type { FoundApproval } from '../store/store.ts'
import type { Write } from '../store/writes.ts'
import type { ControlPorts } from './apply.ts'
import type { ApprovalChange, ApprovalList, ChangedApproval, ListedApproval } from './approval-api.ts'
import { storedDocuments } from './documents.ts'
import { issuersNamed } from './issuers-named.ts'
import { misfitOfPage, nearestOf, pageOf, placeInTime } from './page.ts'
import type { PageRequest } from './page-api.ts'
import { type Checked, checked, type Problem, wrong } from './problem.ts'

/** Of each issuer, so many are listed at one time, chosen in turns of who asks. */
const listedMax = 500

/** A person answers, by the same judgement as on the page. A denial also takes back an approval that is not spent. */
export async function changeApproval(
  { step, as, name, issuer, group }: ApprovalChange,
  { store, clock, issuers, newReference }: ControlPorts,
): Promise<Checked<ChangedApproval>> {
  const found = await findAt(issuersNamed(issuer, issuers), name, store)
  const no = (message: string, ruleId?: string): Checked<never> =>
    wrong({
      document: `Approval/${name}`,
      field: '',
      message,
      ...(ruleId !== undefined && { ruleId }),
    } as Problem)
  if (found === undefined) return no('there is no request of this name')
  const person = await store.findUserByUsername(found.issuer, as)
  if (person === undefined) return no(`there is no user \`${as}\``)
  const now = clock.now()
  const isTakenBack = step === 'deny' && standingOf(found, now) === 'approved'
  const judged = isTakenBack
    ? judgeApprover({ ...found, approvedAt: undefined, given: [] }, person, now, group)
    : judgeApprover(found, person, now, group)
  if (!judged.ok) return no(judged.reason, judged.ruleId)
  const given = giveApproval(found, judged.value, person.subject, now)
  const reference = newReference()
  const { txn, content } = found
  const missing = step === 'approve' ? given.missing : groupsMissing(found)
  const record: Write = {
    kind: 'append-audit',
    record: {
      ...{ at: now, issuer: found.issuer, requestId: reference, txn, clientId: content.clientId },
      ...(content.subject !== undefined && { subject: content.subject }),
      ...(step === 'approve'
        ? ({ event: 'approval.given', outcome: 'accepted' } as const)
        : ({ event: 'approval.denied', outcome: 'refused' } as const)),
      facts: {
        ...approvalFacts(found),
        ...{
          group: judged.value,
          person: person.subject,
          by: 'operator',
          missing,
          is_taken_back: isTakenBack,
        },
      },
    },
  }
  const committed = await store.commit([
    step === 'approve' ? given.write : denyApproval(found, now),
    { kind: 'require-user', record: person },
    record,
  ])
  if (!committed.committed)
    return no('somebody answered it, or changed the user, at the same moment: look again')
  const state = step === 'deny' ? 'denied' : missing.length === 0 ? 'approved' : 'waiting'
  return checked({ name, issuer: found.issuer, state, group: judged.value, missing, reference })
}

async function findAt(
  bindings: readonly IssuerBinding[],
  name: string,
  store: ControlPorts['store'],
): Promise<FoundApproval | undefined> {
  for (const { url } of bindings) {
    const found = await store.findApproval(approvalKey(url, name))
    if (found !== undefined) return found
  }
  return undefined
}

/** What waits, of every issuer or of the one named; the longest waiting of each comes first. */
export async function listApprovals(
  asked: PageRequest,
  { store, clock, issuers }: ControlPorts,
): Promise<Checked<ApprovalList>> {
  const document = 'Approval'
  const misfit = misfitOfPage(asked, issuers, [document])
  if (misfit !== undefined) return wrong({ document, ...misfit })
  const stored = storedDocuments(await store.listDocuments())
  if (!stored.ok) return stored
  const compiled = compileSnapshot({ revision: 0, issuers, documents: stored.value })
  if (!compiled.ok) return compiled
  const now = clock.now()
  const lists = await Promise.all(
    issuersNamed(asked.issuer, issuers).map(({ url }) =>
      store.listWaitingApprovals(url, undefined, now, listedMax),
    ),
  )
  const nearest = nearestOf(lists.flat(), asked, ({ issuedAt, ...found }) =>
    placeInTime(document, { ...found, at: issuedAt }),
  )
  const listed = await Promise.all(
    nearest.map(found => listedOf(found, compiled.value.issuers.get(found.issuer), store)),
  )
  const { page, ...more } = pageOf(listed, asked, {
    placeOf: ({ askedAt, ...approval }) => placeInTime(document, { ...approval, at: askedAt }),
    show: approval => approval,
  })
  return checked({ approvals: page, ...more })
}

async function listedOf(
  found: FoundApproval,
  snapshot: IssuerSnapshot | undefined,
  store: ControlPorts['store'],
): Promise<ListedApproval> {
  const { name, issuer, content, issuedAt, expiresAt, txn } = found
  const { clientId, subject, moment, scopes, resources, groups, seconds, isReusable } = content
  const user = subject === undefined ? undefined : await store.findUserBySubject(issuer, subject)
  return {
    ...{ name, issuer, client: clientId, moment, resources, groups, seconds, isReusable, txn },
    ...(subject !== undefined && { user: user?.username ?? subject }),
    scopes: scopes.map(scope => ({ name: scope, title: snapshot?.scopes.get(scope)?.title ?? scope })),
    details: content.authorizationDetails.map(detail => detailWords(detail, snapshot)),
    missing: groupsMissing(found),
    askedAt: issuedAt,
    waitsUntil: expiresAt,
  }
}

/** In the words of the types of now; what no longer fits them is named and said to be so. */
function detailWords(
  detail: FoundApproval['content']['authorizationDetails'][number],
  snapshot: IssuerSnapshot | undefined,
): DetailWords {
  const type = snapshot?.detailTypes.get(detail.type)
  return type === undefined || misfitOfDetail(detail, type) !== undefined
    ? { title: detail.type, description: 'does not fit its type any more', parts: [] }
    : wordsOf(detail, type)
}
