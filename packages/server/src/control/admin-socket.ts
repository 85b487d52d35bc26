import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { z } from 'zod'
import { Fault, type Log } from '../ports.ts'
import { problem } from './admin.ts'
import type { AdminApi, Answer, ExplainRequest, PageRequest } from './admin-api.ts'
import {
  applyBody,
  changeApprovalBody,
  changeGrantBody,
  changePoliciesBody,
  createTokenBody,
  renewBody,
  reportBody,
  requestGrantBody,
  revokeAccessBody,
  revokeBody,
  revokeKeyBody,
  revokeTenantBody,
  revokeTokenBody,
  rotateBody,
  rotateKeysBody,
  simulatePoliciesBody,
  submitPoliciesBody,
  userBody,
} from './admin-bodies.ts'
import { adminSocketPath } from './admin-socket-path.ts'
import {
  changeOnboardingBody,
  checkOnboardingBody,
  draftOnboardingBody,
  dueBody,
  flagsBody,
} from './onboarding/bodies.ts'
import { pageQuery } from './page.ts'

/** Threat model section 6: admin import. */
const bodyBytesMax = 1_048_576

export interface AdminSocketOptions {
  readonly dataFolder: string
  readonly cwd: string
  readonly api: AdminApi
  readonly log: Log
}

/**
 * Serves the admin API on a socket that only the owner of the data folder can open: the operating system
 * authenticates the operator.
 * @throws Fault `admin.taken` when another server answers there
 */
export async function serveAdminSocket(options: AdminSocketOptions): Promise<{ close: () => Promise<void> }> {
  const path = adminSocketPath(options.dataFolder, options.cwd)
  if (await answers(path))
    throw new Fault('admin.taken', { detail: `another server uses \`${options.dataFolder}\`` })
  rmSync(path, { force: true })
  const server = createServer({ maxHeaderSize: 16_384, requestTimeout: 30_000 }, (request, response) => {
    void handle(options, request, response)
  })
  await listen(server, path)
  return {
    close: () =>
      new Promise(done => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** Binds with the socket closed to everybody else from its first moment. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail)
    const before = process.umask(0o177)
    try {
      server.listen(path, () => {
        chmodSync(path, 0o600)
        done()
      })
    } finally {
      process.umask(before)
    }
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise(done => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.once('error', () => done(false))
  })
}

async function handle(
  options: AdminSocketOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    send(response, await route(options.api, request))
  } catch (cause) {
    options.log.error('admin.failed', { path: request.url, cause: String(cause) })
    send(response, problem(500, 'something broke on our side', 'see the log of the server'))
  }
}

type Posted = (api: AdminApi, request: IncomingMessage) => Promise<Answer<unknown>>

const postedTo: Readonly<Record<string, Posted | undefined>> = {
  'POST /v1/apply': (api, request) => over(request, applyBody, body => api.apply(body)),
  'POST /v1/secrets/rotation': (api, request) => over(request, rotateBody, body => api.rotateSecret(body)),
  'POST /v1/secrets/revocation': (api, request) => over(request, revokeBody, body => api.revokeSecret(body)),
  'POST /v1/registration-tokens': (api, request) =>
    over(request, createTokenBody, body => api.createRegistrationToken(body)),
  'POST /v1/registration-tokens/revocation': (api, request) =>
    over(request, revokeTokenBody, body => api.revokeRegistrationToken(body)),
  'POST /v1/users/second-factors': (api, request) => over(request, userBody, body => api.secondFactors(body)),
  'POST /v1/users/second-factors/reset': (api, request) =>
    over(request, userBody, body => api.resetSecondFactors(body)),
  'POST /v1/revocation': (api, request) => over(request, revokeAccessBody, body => api.revokeAccess(body)),
  'POST /v1/revocation/tenant': (api, request) =>
    over(request, revokeTenantBody, body => api.revokeTenant(body)),
  'POST /v1/scope-grants': (api, request) =>
    over(request, requestGrantBody, body => api.requestScopeGrant(body)),
  'POST /v1/scope-grants/steps': (api, request) =>
    over(request, changeGrantBody, body => api.changeScopeGrant(body)),
  'POST /v1/scope-report': (api, request) => over(request, reportBody, body => api.reportScopes(body)),
  'POST /v1/approvals': (api, request) => over(request, changeApprovalBody, body => api.changeApproval(body)),
  'POST /v1/onboardings': (api, request) =>
    over(request, draftOnboardingBody, body => api.draftOnboarding(body)),
  'POST /v1/onboardings/steps': (api, request) =>
    over(request, changeOnboardingBody, body => api.changeOnboarding(body)),
  'POST /v1/onboardings/checks': (api, request) =>
    over(request, checkOnboardingBody, body => api.checkOnboarding(body)),
  'POST /v1/onboardings/due': (api, request) => over(request, dueBody, body => api.dueOnboardings(body)),
  'POST /v1/onboardings/flags': (api, request) => over(request, flagsBody, body => api.onboardingFlags(body)),
  'POST /v1/keys/rotation': (api, request) => over(request, rotateKeysBody, body => api.rotateKeys(body)),
  'POST /v1/keys/revocation': (api, request) => over(request, revokeKeyBody, body => api.revokeKey(body)),
  'POST /v1/policies': (api, request) => over(request, submitPoliciesBody, body => api.submitPolicies(body)),
  'POST /v1/policies/simulation': (api, request) =>
    over(request, simulatePoliciesBody, body => api.simulatePolicies(body)),
  'POST /v1/policies/changes': (api, request) =>
    over(request, changePoliciesBody, body => api.changePolicies(body)),
  'POST /v1/registrations/renewal': (api, request) =>
    over(request, renewBody, body => api.renewRegistration(body)),
}

type Listed = (api: AdminApi, asked: PageRequest) => Promise<Answer<unknown>>

const pagedAt: Readonly<Record<string, Listed | undefined>> = {
  'GET /v1/documents': (api, asked) => api.documents(asked),
  'GET /v1/scope-grants': (api, asked) => api.listScopeGrants(asked),
  'GET /v1/onboardings': (api, asked) => api.listOnboardings(asked),
  'GET /v1/approvals': (api, asked) => api.listApprovals(asked),
  'GET /v1/registration-tokens': (api, asked) => api.registrationTokens(asked),
}

async function route(api: AdminApi, request: IncomingMessage): Promise<Answer<unknown>> {
  const url = URL.parse(request.url ?? '/', 'http://admin')
  if (url === null) return problem(400, 'malformed request', 'the path is not a path')
  const isGet = request.method === 'GET'
  const parts = url.pathname.split('/').slice(1)
  const address = `${request.method} ${url.pathname}`
  const posted = postedTo[address]
  if (posted !== undefined) return await posted(api, request)
  const paged = pagedAt[address]
  if (paged !== undefined) return await overPage(api, url.searchParams, paged)
  if (address === 'GET /v1/keys') return await api.listKeys(url.searchParams.get('issuer') ?? undefined)
  if (address === 'GET /v1/policies')
    return await api.listPolicies(url.searchParams.get('issuer') ?? undefined)
  if (address === 'GET /v1/status') return await api.status()
  if (address === 'GET /v1/audit/verification') return await api.verifyAudit()
  if (address === 'GET /v1/audit') {
    const id = url.searchParams.get('id')
    return id === null ? problem(400, 'incomplete request', '`id` is missing') : await api.audit(id)
  }
  const [v1, clients, clientId, verb, ...more] = parts
  if (isGet && v1 === 'v1' && clients === 'clients' && clientId && verb === 'explain' && more.length === 0)
    return await api.explainClient(clientId, explainRequestOf(url.searchParams))
  return problem(404, 'no such resource', `there is no \`${address}\``)
}

/** Lists as repeated parameters; one that is absent says nothing, also not `none`. */
function explainRequestOf(query: URLSearchParams): ExplainRequest {
  const listOf = (name: string): readonly string[] | undefined =>
    query.has(name) ? query.getAll(name) : undefined
  return {
    issuer: query.get('issuer') ?? undefined,
    scopes: listOf('scope'),
    resources: listOf('resource'),
    details: listOf('details'),
  }
}

async function overPage(api: AdminApi, params: URLSearchParams, list: Listed): Promise<Answer<unknown>> {
  const asked = pageQuery.safeParse(Object.fromEntries(params))
  return asked.success ? await list(api, asked.data) : misfitting(asked.error, 'query')
}

async function over<T>(
  request: IncomingMessage,
  schema: z.ZodType<T>,
  work: (body: T) => Promise<Answer<unknown>>,
): Promise<Answer<unknown>> {
  const text = await bodyOf(request)
  if (text === undefined)
    return problem(413, 'too large', `a request body holds at most ${bodyBytesMax} bytes`)
  const body = schema.safeParse(jsonOf(text))
  if (body.success) return await work(body.data)
  return misfitting(body.error, 'body')
}

function misfitting({ issues: [issue] }: z.ZodError, what: 'query' | 'body'): Answer<never> {
  const place = issue?.path.join('.') ?? ''
  return problem(
    400,
    'malformed request',
    place === '' ? `the ${what} does not fit` : `\`${place}\` does not fit`,
  )
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    // The rest is read and dropped: an answer sent into an open upload would be lost.
    if (size <= bodyBytesMax) chunks.push(chunk)
  }
  return size <= bodyBytesMax ? Buffer.concat(chunks).toString('utf8') : undefined
}

function send(response: ServerResponse, answer: Answer<unknown>): void {
  const body = Buffer.from(JSON.stringify(answer.ok ? answer.value : answer.problem))
  const type = answer.ok ? 'application/json' : 'application/problem+json'
  const status = answer.ok ? 200 : answer.problem.status
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    'cache-control': 'no-store',
  })
  response.end(body)
}
