import type { Pool } from 'undici'
import { user } from '../test/product/clients.ts'
import { BenchBrowser } from './browser.ts'
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

interface Step {
  readonly push: PreparedRequest
  readonly verifier: string
  /** Signed before the clock starts; only the code is filled in. */
  readonly redeem: (code: string) => PreparedRequest
}

function flowStep(setting: Setting, nonce: string | undefined): Step {
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

async function walk(
  setting: Setting,
  browser: BenchBrowser,
  step: Step,
): Promise<{ status: number; text: string }> {
  const { contender, pool } = setting
  const pushed = await pool.request(step.push)
  const { request_uri: requestUri } = (await pushed.body.json()) as { request_uri?: string }
  const query = new URLSearchParams({ client_id: contender.clientId, request_uri: requestUri ?? '' })
  const code = await browser.codeFrom(`${contender.paths.authorize}?${query}`, contender.redirectUri)
  const answer = await pool.request(step.redeem(code))
  return { status: answer.statusCode, text: await answer.body.text() }
}

async function tokensOfOneFlow(setting: Setting): Promise<Readonly<Record<string, string>>> {
  const browser = new BenchBrowser(setting.pool, user)
  const { text } = await walk(setting, browser, flowStep(setting, await nonceOf(setting)))
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
  for (const browser of browsers) await walk(setting, browser, flowStep(setting, first))
  const nonce = await nonceOf(setting)
  const steps = Array.from({ length: count }, () => flowStep(setting, nonce))
  return {
    run: async () => {
      let next = 0
      let failures = 0
      let sample = ''
      const latencies: number[] = []
      const started = performance.now()
      const person = async (browser: BenchBrowser): Promise<void> => {
        for (let step = steps[next++]; step !== undefined; step = steps[next++]) {
          const began = performance.now()
          const { status, text } = await walk(setting, browser, step)
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
