import type { Pool } from 'undici'
import { BenchBrowser, type FlowStep, stepOf } from './browser.ts'
import { assertionType, type ClientKeys, clientAssertion, dpopProof, pkce } from './client-kit.ts'
import { type Contender, jwtAudience, people } from './contender.ts'
import type { FlowKind, RequestForm } from './form.ts'
import { type PreparedRequest, sendAll } from './load.ts'

export interface Setting {
  readonly contender: Contender
  readonly keys: ClientKeys
  readonly proofKeys: ClientKeys
  readonly pool: Pool
  readonly form: RequestForm
}

export interface Operation {
  readonly name: string
  /** Verifications and signatures that no implementation can do without. */
  readonly verifies: (form: RequestForm) => number
  readonly signs: (form: RequestForm) => number
  /** HTTP requests of one operation; a flow counts once. */
  readonly requestsEach: number
  readonly prepare: (setting: Setting, count: number) => Promise<Prepared>
}

export interface RunResult {
  readonly failures: number
  readonly sample: string
  readonly seconds: number
  readonly p99Ms: number
}

export interface Prepared {
  readonly run: (connections: number) => Promise<RunResult>
}

type Fields = Readonly<Record<string, string>>

const formHeaders = { 'content-type': 'application/x-www-form-urlencoded' }

/** Scope of the API and, where a request has to say it, its name. */
function asked({ contender, form }: Setting): { readonly scope: string; readonly resource?: string } {
  if (form.tokens === 'jwt') return { scope: 'ledger', resource: jwtAudience }
  return { scope: 'accounts', ...(contender.audience && { resource: contender.audience }) }
}

function authenticated({ contender, keys }: Setting, fields: Fields): string {
  const { clientId, issuer } = contender
  return new URLSearchParams({
    ...fields,
    client_id: clientId,
    client_assertion_type: assertionType,
    client_assertion: clientAssertion(clientId, issuer, keys),
  }).toString()
}

/** The nonce this server wants, learnt as a client learns it: from a refusal. */
export async function nonceOf(setting: Setting): Promise<string | undefined> {
  const { headers, body } = await setting.pool.request(
    tokenRequest(setting, { grant_type: 'client_credentials', scope: 'accounts' }, undefined),
  )
  await body.dump()
  const nonce = headers['dpop-nonce']
  return typeof nonce === 'string' ? nonce : undefined
}

export function tokenRequest(setting: Setting, fields: Fields, nonce: string | undefined): PreparedRequest {
  const { contender, proofKeys } = setting
  const dpop = dpopProof(proofKeys, 'POST', contender.issuer + contender.paths.token, nonce)
  return {
    method: 'POST',
    path: contender.paths.token,
    headers: { ...formHeaders, dpop },
    body: authenticated(setting, fields),
  }
}

function requestList(setting: Setting, requests: readonly PreparedRequest[], success: number): Prepared {
  return {
    run: async connections => {
      const { statuses, lastBody, seconds, p99Ms } = await sendAll(setting.pool, requests, connections)
      const good = statuses.get(success) ?? 0
      return { failures: requests.length - good, sample: lastBody, seconds, p99Ms }
    },
  }
}

function pushRequest(
  setting: Setting,
  challenge: string,
  nonce: string | undefined,
  prompt: Fields,
): PreparedRequest {
  const { contender, proofKeys, form } = setting
  const { scope, ...resource } = asked(setting)
  const fields = {
    response_type: 'code',
    redirect_uri: contender.redirectUri,
    scope: `openid ${scope} offline_access`,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...prompt,
    ...resource,
  }
  const url = contender.issuer + contender.paths.par
  const proof = form.hasProofAtPar && { dpop: dpopProof(proofKeys, 'POST', url, nonce) }
  return {
    method: 'POST',
    path: contender.paths.par,
    headers: { ...formHeaders, ...proof },
    body: authenticated(setting, fields),
  }
}

interface Flow {
  readonly push: PreparedRequest
  readonly verifier: string
  /** Signed before the clock starts; only the code is filled in. */
  readonly redeem: (code: string) => PreparedRequest
}

/** Where nobody is asked again, the client is another one. */
function settingFor(setting: Setting, kind: FlowKind): Setting {
  if (kind !== 'session') return setting
  const { contender } = setting
  return { ...setting, contender: { ...contender, clientId: contender.rememberedClientId } }
}

function signedFlow(setting: Setting, nonce: string | undefined, kind: FlowKind): Flow {
  const { verifier, challenge } = pkce()
  const template = tokenRequest(
    setting,
    {
      grant_type: 'authorization_code',
      redirect_uri: setting.contender.redirectUri,
      code_verifier: verifier,
    },
    nonce,
  )
  return {
    push: pushRequest(setting, challenge, nonce, kind === 'session' ? {} : { prompt: 'consent' }),
    verifier,
    redeem: code => ({ ...template, body: `${template.body}&code=${encodeURIComponent(code)}` }),
  }
}

/** One flow, request by request. @yields after each answer @returns the answer with the tokens */
async function* requestsOf(
  setting: Setting,
  browser: BenchBrowser,
  flow: Flow,
): AsyncGenerator<FlowStep, WalkedFlow> {
  const { contender, pool } = setting
  const pushed = await pool.request(flow.push)
  const reference = await pushed.body.text()
  yield stepOf('POST', flow.push.path, pushed.statusCode, reference)
  const { request_uri: requestUri } = JSON.parse(reference) as { request_uri?: string }
  const query = new URLSearchParams({ client_id: contender.clientId, request_uri: requestUri ?? '' })
  const code = yield* browser.codeFrom(`${contender.paths.authorize}?${query}`, contender.redirectUri)
  const request = flow.redeem(code)
  const answer = await pool.request(request)
  const text = await answer.body.text()
  yield stepOf('POST', request.path, answer.statusCode, text)
  return { status: answer.statusCode, text }
}

interface WalkedFlow {
  readonly status: number
  readonly text: string
}

async function walk(setting: Setting, browser: BenchBrowser, flow: Flow): Promise<WalkedFlow> {
  const requests = requestsOf(setting, browser, flow)
  for (;;) {
    const answer = await requests.next()
    if (answer.done === true) return answer.value
  }
}

/**
 * Flows that wait before each request until they are asked to go on.
 * @param count how many people; each signs in once, here
 * @returns what starts one flow for each
 */
export async function flowsInStep(
  given: Setting,
  count: number,
  kind: FlowKind,
): Promise<() => Promise<readonly AsyncGenerator<FlowStep, WalkedFlow>[]>> {
  const setting = settingFor(given, kind)
  const browsers = await signedIn(setting, count, kind)
  return async () => {
    const nonce = await nonceOf(setting)
    if (kind === 'login') for (const browser of browsers) browser.forget()
    return browsers.map(browser => requestsOf(setting, browser, signedFlow(setting, nonce, kind)))
  }
}

/**
 * The browsers of this many people, who all went through one flow before.
 * @throws RangeError for more people than there are
 */
async function signedIn(setting: Setting, count: number, kind: FlowKind): Promise<readonly BenchBrowser[]> {
  if (count > people.length) throw new RangeError(`there are ${people.length} people`)
  const browsers = people.slice(0, count).map(person => new BenchBrowser(setting.pool, person))
  const nonce = await nonceOf(setting)
  for (const browser of browsers) await walk(setting, browser, signedFlow(setting, nonce, kind))
  return browsers
}

async function tokensOfOneFlow(setting: Setting): Promise<Readonly<Record<string, string>>> {
  const browser = new BenchBrowser(setting.pool, people[0])
  const { text } = await walk(setting, browser, signedFlow(setting, await nonceOf(setting), 'asked'))
  return JSON.parse(text) as Record<string, string>
}

async function prepareFlow(given: Setting, count: number, kind: FlowKind): Promise<Prepared> {
  const setting = settingFor(given, kind)
  const nonce = await nonceOf(setting)
  const flows = Array.from({ length: count }, () => signedFlow(setting, nonce, kind))
  const browsers = await signedIn(setting, Math.min(count, people.length), kind)
  return {
    run: async () => {
      let next = 0
      let failures = 0
      let sample = ''
      const latencies: number[] = []
      const started = performance.now()
      const walks = async (browser: BenchBrowser): Promise<void> => {
        for (let flow = flows[next++]; flow !== undefined; flow = flows[next++]) {
          const began = performance.now()
          if (kind === 'login') browser.forget()
          const { status, text } = await walk(setting, browser, flow)
          latencies.push(performance.now() - began)
          if (status !== 200) failures++
          sample = text
        }
      }
      await Promise.all(browsers.map(walks))
      const sorted = latencies.toSorted((left, right) => left - right)
      const p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? 0
      return { failures, sample, seconds: (performance.now() - started) / 1000, p99Ms }
    },
  }
}

const flowOf = (name: string, kind: FlowKind, requestsEach: number): Operation => ({
  name,
  verifies: ({ hasProofAtPar }) => (hasProofAtPar ? 4 : 3),
  signs: ({ tokens }) => (tokens === 'jwt' ? 2 : 1),
  requestsEach,
  prepare: (setting, count) => prepareFlow(setting, count, kind),
})

export const operations: readonly Operation[] = [
  {
    name: 'token',
    verifies: () => 2,
    signs: ({ tokens }) => (tokens === 'jwt' ? 1 : 0),
    requestsEach: 1,
    prepare: async (setting, count) => {
      const nonce = await nonceOf(setting)
      const fields = { grant_type: 'client_credentials', ...asked(setting) }
      return requestList(
        setting,
        Array.from({ length: count }, () => tokenRequest(setting, fields, nonce)),
        200,
      )
    },
  },
  {
    name: 'par',
    verifies: ({ hasProofAtPar }) => (hasProofAtPar ? 2 : 1),
    signs: () => 0,
    requestsEach: 1,
    prepare: async (setting, count) => {
      const nonce = await nonceOf(setting)
      return requestList(
        setting,
        Array.from({ length: count }, () =>
          pushRequest(setting, pkce().challenge, nonce, { prompt: 'consent' }),
        ),
        201,
      )
    },
  },
  {
    name: 'refresh',
    verifies: () => 2,
    signs: ({ tokens }) => (tokens === 'jwt' ? 2 : 1),
    requestsEach: 1,
    prepare: async (setting, count) => {
      const { refresh_token: refreshToken = '' } = await tokensOfOneFlow(setting)
      const nonce = await nonceOf(setting)
      const fields = { grant_type: 'refresh_token', refresh_token: refreshToken }
      return requestList(
        setting,
        Array.from({ length: count }, () => tokenRequest(setting, fields, nonce)),
        200,
      )
    },
  },
  {
    name: 'introspection',
    verifies: () => 1,
    signs: () => 0,
    requestsEach: 1,
    prepare: async (given, count) => {
      // The peer introspects no JWT.
      const setting: Setting = { ...given, form: { ...given.form, tokens: 'opaque' } }
      const { access_token: token = '' } = await tokensOfOneFlow(setting)
      const { paths } = setting.contender
      const request = (): PreparedRequest => ({
        method: 'POST',
        path: paths.introspect,
        headers: formHeaders,
        body: authenticated(setting, { token }),
      })
      return requestList(setting, Array.from({ length: count }, request), 200)
    },
  },
  flowOf('code-flow', 'asked', 5),
  flowOf('session-flow', 'session', 3),
  flowOf('login-flow', 'login', 7),
]

export function prepare(operation: Operation, setting: Setting, count: number): Promise<Prepared> {
  return operation.prepare(setting, count)
}
