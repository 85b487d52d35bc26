import type { Reply } from '../../http/exchange.ts'
import { actionOf, type Browser, fieldOf, header, openBrowser } from './browser.ts'
import { openApprovals } from './ciba.ts'
import { issuerUrl, type World } from './world.ts'

/** A user who is in groups, with the password `pw`. */
export async function putMember(world: World, username: string, groups: readonly string[]): Promise<string> {
  const subject = `u_${username}`
  await world.store.commit([
    {
      kind: 'put-user',
      record: {
        ...{ issuer: issuerUrl, subject, username, passwordHash: 'fake:pw', status: 'active', claims: {} },
        ...(groups.length > 0 && { groups }),
      },
    },
  ])
  return subject
}

/** A browser of that user on the page of what waits, signed in for it. */
export async function atApprovalsAs(
  world: World,
  username: string,
  browser: Browser = openBrowser(world),
): Promise<readonly [Browser, Reply]> {
  let reply = await openApprovals(browser)
  for (let step = 0; step < 6 && reply.status === 303; step++) {
    const next = header(reply, 'location') ?? ''
    reply = next.endsWith('/login') ? await browser.login(next, username, 'pw') : await browser.get(next)
  }
  return [browser, reply]
}

/** Answers the first request for approval that the page shows. */
export function answerApproval(
  browser: Browser,
  page: Reply,
  decision: 'allow' | 'deny' = 'allow',
  spoil: Readonly<Record<string, string | undefined>> = {},
): Promise<Reply> {
  const [, form = ''] = /(<form id="group-approval-form-1".*?<\/form>)/s.exec(String(page.body)) ?? []
  const inForm: Reply = { ...page, body: form }
  return browser.post(actionOf(page), {
    ...{ csrf: fieldOf(inForm, 'csrf') || fieldOf(page, 'csrf') },
    ...{ approval: fieldOf(inForm, 'approval'), shown: fieldOf(inForm, 'shown') },
    ...{ decision, ...spoil },
  })
}

/** Signs in, and approves or denies what waits first. */
export async function answerAs(
  world: World,
  username: string,
  decision: 'allow' | 'deny' = 'allow',
): Promise<Reply> {
  const [browser, page] = await atApprovalsAs(world, username)
  return await answerApproval(browser, page, decision)
}
