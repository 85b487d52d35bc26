import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Program, runningWorkshop, withDemoUser } from '../program.ts'
import { type Profile, profiles, redirectUri } from './setup.ts'

let secret = ''
const workshop = runningWorkshop(async ({ registered, said }) => {
  await registered(import.meta.dirname, 'my-clients/clients.yaml')
  const rotate = ['clients', 'secret', 'rotate', 'recipe-oidc-baseline', '--output', 'json']
  secret = (JSON.parse(await said(rotate)) as { secret: string }).secret
})

/** Done by the person at the browser, in the shape that each kind of recipe waits for. */
async function answer(profile: Profile, recipe: Program): Promise<void> {
  if (profile === 'fapi-ciba') {
    const page = new URL(await recipe.says(/answer at (\S+),/))
    await withDemoUser(workshop.open(), (agent, person) =>
      agent.answerWaiting(page, { ...person, consent: 'allow' }),
    )
    return
  }
  const url = new URL(await recipe.says(/^https:\S+$/m))
  const callback = await withDemoUser(workshop.open(), (agent, person) =>
    agent.walk(url, redirectUri, { ...person, consent: 'allow' }),
  )
  recipe.child.stdin?.end(`${callback.href}\n`)
}

for (const library of ['openid-client', 'oauth4webapi'])
  describe(`the recipes for ${library}`, () => {
    for (const profile of profiles)
      test(`sign a user in under ${profile}`, async () => {
        const file = join(import.meta.dirname, library, `${profile}.ts`)
        const recipe = workshop.program([file], { SECRET: secret })
        await answer(profile, recipe)
        assert.deepEqual(await recipe.ended, [0, null], recipe.text())
        const isDpop = profile !== 'oidc-baseline' && profile !== 'fapi1-advanced'
        const type = isDpop ? 'dpop' : 'bearer'
        assert.match(
          recipe.text(),
          new RegExp(`signed in: u_\\S+, Alice Adams, with a token of type ${type}`),
        )
      })
  })
