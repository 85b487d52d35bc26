import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { standardScopes } from '../../control/resources/scope.ts'
import { locales } from '../../snapshot/locale.ts'
import { goodRequest, header, locationOf, openBrowser } from '../testing/browser.ts'
import { logoutUrl, signIn } from '../testing/logout.ts'
import { roomFor } from '../testing/room-for.ts'
import { openWorld } from '../testing/world.ts'
import { wordsFor } from './locale.ts'
import { de } from './words/de.ts'
import { en } from './words/en.ts'

async function chosen(acceptLanguage: readonly string[], uiLocales: readonly string[] = []): Promise<string> {
  await using world = await openWorld()
  const headers = acceptLanguage.map(value => ['accept-language', value] as const)
  return wordsFor(world.exchange('/authorize', { headers }), uiLocales).locale
}

describe('the language of a page', () => {
  it('is what the request asks for, else what the browser prefers, else English', async () => {
    assert.equal(await chosen([]), 'en')
    assert.equal(await chosen(['de-DE,de;q=0.9,en;q=0.8']), 'de')
    assert.equal(await chosen(['en;q=0.8, de;q=0.9']), 'de')
    assert.equal(await chosen(['fr, DE-at']), 'de')
    assert.equal(await chosen(['de;q=0, en;q=0.1']), 'en')
    assert.equal(await chosen(['fr, *;q=0.5']), 'en')
    assert.equal(await chosen(['de'], ['fr', 'en-GB']), 'en')
    assert.equal(await chosen(['en'], ['xx', 'de-CH', 'en']), 'de')
    assert.equal(await chosen(['en'], ['xx']), 'en')
    assert.equal(await chosen([`${'fr,'.repeat(20)}de`]), 'en')
  })

  it('is one we have, whatever the header is', async () => {
    await using world = await openWorld()
    const piece = fc.oneof(fc.constantFrom('de', 'en', 'fr-FR', ';q=', '0.5', ',', ' ', '*'), fc.string())
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
        const headers = [['accept-language', pieces.join('')]] as const
        assert.ok(locales.includes(wordsFor(world.exchange('/authorize', { headers })).locale))
      }),
    )
  })
})

/** Every text of a catalogue, by its path; functions are asked with sample values. */
function textsOf(value: unknown, path = ''): readonly (readonly [path: string, text: string])[] {
  if (typeof value === 'string') return [[path, value]]
  if (typeof value === 'function')
    return [[path, String(path === '.moment' ? value(1_800_000_000) : value('sample', 'sample'))]]
  return Object.entries(value as object).flatMap(([name, member]) => textsOf(member, `${path}.${name}`))
}

describe('the catalogues', () => {
  it('say something for every sentence, and nothing English in German', () => {
    const english = new Map(textsOf(en))
    const same = textsOf(de)
      .filter(([path, text]) => text.trim() === '' || english.get(path) === text)
      .map(([path]) => path)
    assert.deepEqual(same, ['.device.code'])
    assert.deepEqual(
      textsOf(de).map(([path]) => path),
      [...english.keys()],
    )
  })

  it('count in the unit that reads best', () => {
    for (const [words, expected] of [
      [en, ['1 second', '59 seconds', '1 minute', '10 minutes', '1 hour', '30 days']],
      [de, ['1 Sekunde', '59 Sekunden', '1 Minute', '10 Minuten', '1 Stunde', '30 Tage']],
    ] as const)
      assert.deepEqual([1, 59, 60, 600, 3600, 2_592_000].map(words.duration), expected)
  })

  it('have words in each language for every standard scope', () => {
    for (const { name, translations } of standardScopes)
      assert.ok((translations.de?.title ?? '') !== '' && (translations.de?.description ?? '') !== '', name)
  })
})

describe('pages in German', () => {
  it('login, consent, error and logout pages say so and are', async () => {
    await using world = await openWorld({ scopes: standardScopes })
    const browser = openBrowser(world)
    const claims = '{"userinfo":{"email":null}}'
    const fields = { ...goodRequest('c_oidc'), scope: 'openid profile', ui_locales: 'xx de-AT', claims }
    const opened = locationOf(await browser.get(`/authorize?${new URLSearchParams(fields)}`)).href
    const login = await browser.get(opened)
    const consent = await browser.get(header(await browser.login(opened), 'location') ?? '')
    const logout = await browser.get(logoutUrl({ ui_locales: 'de' }))
    const german = [['accept-language', 'de']] as const
    const { room } = roomFor('GET', '/authorize') ?? {}
    assert.ok(room)
    const error = await world.send(room, '/authorize', {
      method: 'GET',
      query: 'client_id=no',
      headers: german,
    })
    for (const [page, sentence] of [
      [login, 'um mit <strong>The c_oidc application</strong> fortzufahren'],
      [consent, 'Ihren Namen und Ihr Profil sehen'],
      [consent, 'Ihre E-Mail-Adresse'],
      [logout, 'Angemeldet bleiben'],
      [error, 'diese Anwendung darf das nicht'],
    ] as const) {
      assert.equal(header(page, 'content-language'), 'de')
      assert.match(String(page.body), /<html lang="de">/)
      assert.ok(String(page.body).includes(sentence), sentence)
    }
  })

  it('a scope without German words shows those of its document', async () => {
    await using world = await openWorld()
    const browser = openBrowser(world)
    const fields = { ...goodRequest('c_oidc'), scope: 'openid', ui_locales: 'de' }
    const opened = locationOf(await browser.get(`/authorize?${new URLSearchParams(fields)}`)).href
    const consent = await browser.get(header(await browser.login(opened), 'location') ?? '')
    assert.match(String(consent.body), /<h2 id="asks">Die Anwendung möchte<\/h2>/)
    assert.match(String(consent.body), /Know who you are/)
  })

  it('another language between page and answer is another page, to be read again', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_oidc', { scope: 'openid' })
    const fields = { ...goodRequest('c_oidc'), scope: 'openid' }
    const consent = locationOf(await browser.get(`/authorize?${new URLSearchParams(fields)}`)).href
    const shown = String((await browser.get(consent)).body)
    const [, csrf = ''] = /name="csrf" value="([^"]*)"/.exec(shown) ?? []
    const [, digest = ''] = /name="shown" value="([^"]*)"/.exec(shown) ?? []
    const answer = { csrf, shown: digest, decision: 'allow' }
    const reply = await browser.post(consent, answer, { headers: [['accept-language', 'de']] })
    assert.equal(reply.status, 409)
    assert.match(String(reply.body), /hat sich geändert/)
  })

  it('an account that is to be chosen is not filled in', async () => {
    await using world = await openWorld()
    const { browser } = await signIn(world, 'c_oidc', { scope: 'openid' })
    const at = async (prompt: string): Promise<string> => {
      const fields = { ...goodRequest('c_oidc'), scope: 'openid', prompt }
      const opened = locationOf(await browser.get(`/authorize?${new URLSearchParams(fields)}`)).href
      assert.match(opened, /\/login$/)
      return /id="username"[^>]* value="([^"]*)"/.exec(String((await browser.get(opened)).body))?.[1] ?? '-'
    }
    assert.equal(await at('login'), 'alice')
    assert.equal(await at('select_account'), '')
  })
})
