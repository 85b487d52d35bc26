import { sha256 } from '@holdfast/protocol/jose/hash.ts'
import type { ControlPorts } from '../apply.ts'
import { daySeconds } from '../content-approvals.ts'
import { type ControlDocument, type DocumentOf, ofKind } from '../document.ts'
import { storedDocuments } from '../documents.ts'
import { issuersNamed } from '../issuers-named.ts'
import { misfitOfPage, pageOf, placeInTime } from '../page.ts'
import { type Checked, checked, wrong } from '../problem.ts'
import type { DueItem, DueList, DueRequest } from './api.ts'
import { movedNow } from './registration-now.ts'
import { approvedKeys, needsCertification, onboardingReviewDueAt } from './state.ts'

type RecordDocument = DocumentOf<'ClientOnboarding'>
type Item = Pick<DueItem, 'what' | 'at' | 'detail' | 'todo'>

/** The same in pages: the most urgent of each issuer first. */
export async function pageOfDue(
  { days, ...asked }: DueRequest,
  ports: Pick<ControlPorts, 'store' | 'issuers' | 'clock'>,
): Promise<Checked<DueList>> {
  const document = 'ClientOnboarding'
  const misfit = misfitOfPage(asked, ports.issuers, [document])
  if (misfit !== undefined) return wrong({ document, ...misfit })
  const due = await dueOnboardings({ days, issuer: asked.issuer }, ports)
  if (!due.ok) return due
  const placeOf = ({ issuer, record, what, at, detail }: DueItem): string => {
    const name = `${record}.${what}.${sha256(detail)}`
    // What is registered otherwise is due at any time: it must not move from one page to the next.
    return placeInTime(document, { issuer, name, at: what === 'registration' ? 0 : Math.max(at, 0) })
  }
  // Two certificates may end in the same second, and are told of once.
  const items = new Map(due.value.map(found => [placeOf(found), found]))
  const { page, ...more } = pageOf([...items.values()], asked, { placeOf, show: found => found })
  return checked({ due: page, ...more })
}

/** What ends within some days, or ended already, of clients that are or were served: the most urgent first. */
export async function dueOnboardings(
  { issuer, days }: Pick<DueRequest, 'issuer' | 'days'>,
  { store, issuers, clock }: Pick<ControlPorts, 'store' | 'issuers' | 'clock'>,
): Promise<Checked<readonly DueItem[]>> {
  const stored = storedDocuments(await store.listDocuments())
  if (!stored.ok) return stored
  const now = clock.now()
  const items = issuersNamed(issuer, issuers).flatMap(({ url }) => {
    const own = stored.value.filter(({ issuerUrl }) => issuerUrl === url).map(({ document }) => document)
    const secrets = new Map(ofKind(own, 'ClientSecret').map(({ name, spec }) => [name, spec]))
    return ofKind(own, 'ClientOnboarding')
      .filter(({ spec }) => spec.state === 'active' || spec.state === 'suspended')
      .flatMap(record => {
        const { client } = record.spec.content
        return [...itemsOf(record, own, now), ...secretItems(record, secrets.get(client))]
          .filter(({ at }) => at <= now + days * daySeconds)
          .map(item => ({ client, issuer: url, record: record.name, ...item }))
      })
  })
  return checked(items.toSorted((left, right) => left.at - right.at))
}

function itemsOf(
  { name, spec }: RecordDocument,
  own: readonly ControlDocument[],
  now: number,
): readonly Item[] {
  const { content, certification, check, rotations } = spec
  const moved = movedNow(spec, own)
  const reviewAt = onboardingReviewDueAt(spec)
  const waiting = rotations.find(({ approved }) => approved === undefined)
  const certifiedUntil = needsCertification(content) ? certification?.until : undefined
  return [
    item(
      'onboarding',
      content.expiresAt,
      'the onboarding ends',
      'draft it again and have it approved: the new one replaces this one when it is activated',
    ),
    ...(certifiedUntil === undefined
      ? []
      : [
          item('certification', certifiedUntil, 'the certification ends', `holdfast onboard certify ${name}`),
        ]),
    ...(reviewAt === undefined
      ? []
      : [item('review', reviewAt, 'somebody has to look again', `holdfast onboard review ${name}`)]),
    ...keyItems(name, spec),
    ...(waiting === undefined
      ? []
      : [
          item(
            'key',
            waiting.proposed.at,
            `the key ${waiting.key.thumbprint} waits for approval`,
            `holdfast onboard approve-key ${name} ${waiting.key.thumbprint}`,
          ),
        ]),
    ...(check?.certificatesEnd ?? []).map(at =>
      item(
        'certificate',
        at,
        'a certificate ends',
        'get the next one; draft again with it, or check again when it stands in the key set',
      ),
    ),
    ...(moved.length === 0
      ? []
      : [
          item(
            'registration',
            now,
            `the client is registered otherwise than approved: ${moved.join(', ')}`,
            'register it as it was approved, or draft it again',
          ),
        ]),
  ]
}

function item(what: Item['what'], at: number, detail: string, todo: string): Item {
  return { what, at, detail, todo }
}

/** Keys that grow older than planned, and those that a newer one replaced. */
function keyItems(name: string, spec: RecordDocument['spec']): readonly Item[] {
  const { content, check } = spec
  const isRemote = content.registration.metadata.jwks_uri !== undefined
  const seen = (check?.keysSeen ?? []).map(key => ({ ...key, until: undefined }))
  const rotate = isRemote
    ? 'publish a new key beside it at the `jwks_uri`, then check again'
    : `holdfast onboard rotate-key ${name}`
  return (isRemote ? seen : approvedKeys(spec)).map(({ thumbprint, since, until }) =>
    until === undefined
      ? item(
          'key',
          since + content.rotation.keyDays * daySeconds,
          `the key ${thumbprint} is as old as planned`,
          rotate,
        )
      : item(
          'key',
          until,
          `the replaced key ${thumbprint} ends`,
          'see that the client signs with its new key, and take the old one from its registration',
        ),
  )
}

function secretItems(
  { spec: { content } }: RecordDocument,
  kept: DocumentOf<'ClientSecret'>['spec'] | undefined,
): readonly Item[] {
  const todo = `holdfast clients secret rotate ${content.client}`
  const { secretDays } = content.rotation
  return (kept?.secrets ?? []).flatMap(({ id, createdAt, expiresAt }) => {
    const planned = secretDays === undefined ? undefined : createdAt + secretDays * daySeconds
    const at = Math.min(expiresAt ?? Number.POSITIVE_INFINITY, planned ?? Number.POSITIVE_INFINITY)
    if (at === Number.POSITIVE_INFINITY) return []
    const detail = at === expiresAt ? `the secret ${id} ends` : `the secret ${id} is as old as planned`
    return [item('secret', at, detail, todo)]
  })
}
