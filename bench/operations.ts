import type { Pool } from 'undici'
import { user } from '../test/product/clients.ts'
import { BenchBrowser, type FlowStep, stepOf } from './browser.ts'
import { assertionType, type ClientKeys, clientAssertion, dpopProof, pkce } from './client-kit.ts'
import type { Contender } from './contender.ts'
import { type PreparedRequest, sendAll } from './load.ts'

export interface Setting {
  readonly contender: Contender
  readonly keys: ClientKeys
  readonly proofKeys: ClientKeys
  readonly pool: Pool
}

export interface Operation {
  readonly name: string
  /** Verifications and signatures that no implementation can do without. */
  readonly verifies: number
  readonly signs: number
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
const scope = 'openid accounts offline_access'

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
async function nonceOf(setting: Setting): Promise<string | undefined> {
  const { headers, body } = await setting.pool.request(
    tokenRequest(setting, { grant_type: 'client_credentials', scope: 'accounts' }, undefined),
  )
  await body.dump()
  const nonce = headers['dpop-nonce']
  return typeof nonce === 'string' ? nonce : undefined
}

function tokenRequest(setting: Setting, fields: Fields, nonce: string | undefined): PreparedRequest {
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

function pushRequest(setting: Setting, challenge: string): PreparedRequest {
  const { contender } = setting
  const fields = {
    response_type: 'code',
    redirect_uri: contender.redirectUri,
    scope,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    prompt: 'consent',
    ...(contender.audience && { resource: contender.audience }),
  }
  return {
    method: 'POST',
    path: contender.paths.par,
    headers: formHeaders,
    body: authenticated(setting, fields),
  }
}

interface Flow {
  readonly push: PreparedRequest
  readonly verifier: string
  /** Signed before the clock starts; only the code is filled in. */
  readonly redeem: (code: string) => PreparedRequest
}

function signedFlow(setting: Setting, nonce: string | undefined): Flow {
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
    push: pushRequest(setting, challenge),
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
  setting: Setting,
  count: number,
): Promise<() => Promise<readonly AsyncGenerator<FlowStep, WalkedFlow>[]>> {
  const browsers = Array.from({ length: count }, () => new BenchBrowser(setting.pool, user))
  const first = await nonceOf(setting)
  for (const browser of browsers) await walk(setting, browser, signedFlow(setting, first))
  return async () => {
    const nonce = await nonceOf(setting)
    return browsers.map(browser => requestsOf(setting, browser, signedFlow(setting, nonce)))
  }
}

async function tokensOfOneFlow(setting: Setting): Promise<Readonly<Record<string, string>>> {
  const browser = new BenchBrowser(setting.pool, user)
  const { text } = await walk(setting, browser, signedFlow(setting, await nonceOf(setting)))
  return JSON.parse(text) as Record<string, string>
}

/** Persons in parallel; each signs in once before the clock starts. */
const persons = 16

async function prepareFlow(setting: Setting, count: number): Promise<Prepared> {
  const browsers = Array.from(
    { length: Math.min(persons, count) },
    () => new BenchBrowser(setting.pool, user),
  )
  const first = await nonceOf(setting)
  for (const browser of browsers) await walk(setting, browser, signedFlow(setting, first))
  const nonce = await nonceOf(setting)
  const flows = Array.from({ length: count }, () => signedFlow(setting, nonce))
  return {
    run: async () => {
      let next = 0
      let failures = 0
      let sample = ''
      const latencies: number[] = []
      const started = performance.now()
      const person = async (browser: BenchBrowser): Promise<void> => {
        for (let flow = flows[next++]; flow !== undefined; flow = flows[next++]) {
          const began = performance.now()
          const { status, text } = await walk(setting, browser, flow)
          latencies.push(performance.now() - began)
          if (status !== 200) failures++
          sample = text
        }
      }
      await Promise.all(browsers.map(person))
      const sorted = latencies.toSorted((left, right) => left - right)
      const p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? 0
      return { failures, sample, seconds: (performance.now() - started) / 1000, p99Ms }
    },
  }
}

export const operations: readonly Operation[] = [
  {
    name: 'token',
    verifies: 2,
    signs: 0,
    requestsEach: 1,
    prepare: async (setting, count) => {
      const nonce = await nonceOf(setting)
      const fields = { grant_type: 'client_credentials', scope: 'accounts' }
      return requestList(
        setting,
        Array.from({ length: count }, () => tokenRequest(setting, fields, nonce)),
        200,
      )
    },
  },
  {
    name: 'par',
    verifies: 1,
    signs: 0,
    requestsEach: 1,
    prepare: async (setting, count) =>
      requestList(
        setting,
        Array.from({ length: count }, () => pushRequest(setting, pkce().challenge)),
        201,
      ),
  },
  {
    name: 'refresh',
    verifies: 2,
    signs: 1,
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
    verifies: 1,
    signs: 0,
    requestsEach: 1,
    prepare: async (setting, count) => {
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
  { name: 'code-flow', verifies: 3, signs: 1, requestsEach: 5, prepare: prepareFlow },
]

export function prepare(operation: Operation, setting: Setting, count: number): Promise<Prepared> {
  return operation.prepare(setting, count)
}
