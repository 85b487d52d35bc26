import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { newBrowser, newProofKey, RawClient } from './harness/raw-client.ts'
import { forkNode, prepareProduct, stopNode } from './product/start.ts'

it('whoever steals the data folder finds no token, code, proof, assertion, cookie or password in it', async t => {
  const prepared = await prepareProduct('sqlite')
  const { config, product } = prepared
  const node = await forkNode(config)
  const client = new RawClient(product, [config.issuer])
  const { browser, close } = newBrowser(product)
  t.after(async () => {
    await Promise.all([client.close(), close(), stopNode(node)])
    await prepared.remove()
  })
  const who = product.clients['private_key_jwt with DPoP']
  const key = await newProofKey()
  const secrets: Record<string, string> = { password: product.user.password }

  const code = await client.code(product, who, browser)
  for (const [index, value] of browser.cookieValues.entries()) secrets[`cookie ${index}`] = value
  assert.equal(browser.cookieValues.length, 2)
  Object.assign(secrets, { code: code.code, verifier: code.code_verifier })
  const redeemed = await client.token(who, key, code)
  assert.equal(redeemed.status, 200, JSON.stringify(redeemed.json))
  Object.assign(secrets, { access: redeemed.json.access_token, refresh: redeemed.json.refresh_token })
  const form = { grant_type: 'refresh_token', refresh_token: String(redeemed.json.refresh_token) }
  const assertion = await client.assertion(who)
  const proof = await client.proof(key, '/token')
  const refreshed = await client.post('/token', { ...form, ...assertion }, proof)
  assert.equal(refreshed.status, 200, JSON.stringify(refreshed.json))
  Object.assign(secrets, {
    assertion: assertion.client_assertion,
    proof,
    second: refreshed.json.access_token,
  })
  assert.equal((await client.introspect(product, String(refreshed.json.access_token))).active, true)
  // Refusals write too: everything again, where it does not belong.
  await client.post('/token', { ...form, ...assertion }, proof)
  await client.token(who, key, code)
  await client.post('/token', { ...code, ...form, client_secret: 'a-secret-of-another-kind' }, proof)
  secrets.clientSecret = 'a-secret-of-another-kind'

  const files = readdirSync(config.folder, { recursive: true, withFileTypes: true }).filter(entry =>
    entry.isFile(),
  )
  assert.ok(files.some(({ name }) => name === 'holdfast.db'))
  const holds = (text: string): boolean =>
    files.some(({ name, parentPath }) => readFileSync(join(parentPath, name)).includes(text))
  assert.ok(holds(who.clientId), 'what is no secret is found')
  for (const [name, secret] of Object.entries(secrets)) {
    assert.ok(secret.length > 5, name)
    // The unguessable part of a handle, and the signature of a JWT.
    const telling = secret.includes('.') ? (secret.split('.').at(-1) ?? '') : secret.slice(-32)
    assert.ok(!holds(telling), `${name} stands in the data folder`)
  }
})
