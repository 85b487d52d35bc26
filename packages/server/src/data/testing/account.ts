import type { Reply } from '../../http/exchange.ts'
import type { UserRecord } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import { paths } from '../paths.ts'
import { openAccount } from './authenticator.ts'
import { type Browser, fieldOf, openBrowser } from './browser.ts'
import { alice, issuerUrl, type World } from './world.ts'

/** A user as a document makes one, with the password of all users of the world. */
export function userRecord(username: string): UserRecord {
  return {
    ...{ issuer: issuerUrl, subject: `u_${username}`, username, status: 'active', claims: {} },
    passwordHash: 'fake:correct horse',
  }
}

/** For a store that a test opened itself, and for more users than Alice. */
export async function putUsers(store: Store, ...usernames: readonly string[]): Promise<void> {
  await store.commit(usernames.map(username => ({ kind: 'put-user', record: userRecord(username) })))
}

/** The account page of whoever signs in. */
export function openHome(browser: Browser, username = 'alice'): Promise<Reply> {
  return openAccount(browser, paths.account, { username })
}

/** What the buttons of the forms to this path send, from the top of the page. */
export function handlesOn(page: Reply, path: string): readonly string[] {
  const form = new RegExp(`action="${issuerUrl}${path}">.*?</form>`, 'gs')
  return [...String(page.body).matchAll(form)].map(
    ([text]) => /name="id" value="([^"]*)"/.exec(text)?.[1] ?? '',
  )
}

/** Presses the button of a row, or sends another handle. */
export function press(browser: Browser, page: Reply, path: string, id?: string): Promise<Reply> {
  const [first = ''] = handlesOn(page, path)
  return browser.post(path, { csrf: fieldOf(page, 'csrf'), id: id ?? first })
}

/** Alice, signed in once more in a browser of her own, on her account page. */
export async function anotherBrowser(world: World): Promise<readonly [Browser, Reply]> {
  const browser = openBrowser(world)
  return [browser, await openHome(browser)]
}

export function liveGrants({ store, clock }: World, subject = alice): ReturnType<Store['listGrants']> {
  return store.listGrants(issuerUrl, subject, clock.now(), undefined, 1000)
}

export function liveSessions({ store, clock }: World, subject = alice): ReturnType<Store['listSessions']> {
  return store.listSessions(issuerUrl, subject, clock.now(), 1000)
}
