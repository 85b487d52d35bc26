import type {
  AdminApi,
  Answer,
  DocumentList,
  ListedOnboarding,
  ListedScopeGrant,
  Paged,
  PageRequest,
} from '@holdfast/server/control/admin-api.ts'

/** As much as one page may hold. */
const limit = 500
/** Pages of one list; a list that has more never ends. */
const pagesMax = 10_000
/** How often the documents are read anew when they change in between. */
const readingsMax = 5

/** All pages of a list, one after the other. */
export async function everyPage<P extends Paged, T>(
  read: (asked: PageRequest) => Promise<Answer<P>>,
  itemsOf: (page: P) => readonly T[],
  issuer?: string,
): Promise<Answer<readonly T[]>> {
  const items: T[] = []
  let after: string | undefined
  for (let page = 0; page < pagesMax; page++) {
    const answer = await read({
      limit,
      ...(issuer !== undefined && { issuer }),
      ...(after !== undefined && { after }),
    })
    if (!answer.ok) return answer
    for (const item of itemsOf(answer.value)) items.push(item)
    after = answer.value.next
    if (after === undefined) return { ok: true, value: items }
  }
  return problem(502, 'the list does not end', `after ${pagesMax} pages there are more`)
}

export function everyGrant(
  { listScopeGrants }: Pick<AdminApi, 'listScopeGrants'>,
  issuer: string | undefined,
): Promise<Answer<readonly ListedScopeGrant[]>> {
  return everyPage(listScopeGrants, ({ grants }) => grants, issuer)
}

export function everyOnboarding(
  { listOnboardings }: Pick<AdminApi, 'listOnboardings'>,
  issuer: string | undefined,
): Promise<Answer<readonly ListedOnboarding[]>> {
  return everyPage(listOnboardings, ({ onboardings }) => onboardings, issuer)
}

/** Every document, all of one revision: what changes between two pages is read anew from the first. */
export async function everyDocument(api: Pick<AdminApi, 'documents'>): Promise<Answer<DocumentList>> {
  for (let reading = 0; reading < readingsMax; reading++) {
    const revisions: number[] = []
    const documents = await everyPage(
      asked => api.documents(asked),
      page => {
        revisions.push(page.revision)
        return page.documents
      },
    )
    if (!documents.ok) return documents
    const [revision = 0] = revisions
    const now = revisions.length === 1 ? undefined : await api.documents({ limit: 1 })
    if (now?.ok === false) return now
    // A page is never older than its revision says, and may be newer: asked once more afterwards, it is neither.
    if ([...revisions, now?.value.revision ?? revision].every(one => one === revision))
      return { ok: true, value: { revision, documents: documents.value } }
  }
  return problem(409, 'the documents change all the time', 'try again when nothing is applied')
}

function problem(status: number, title: string, detail: string): Extract<Answer<never>, { ok: false }> {
  return { ok: false, problem: { type: 'about:blank', title, status, detail } }
}
