import { request } from 'node:http'
import type { AdminApi, Answer, PageRequest, ProblemDetails } from '@holdfast/server/control/admin-api.ts'

const timeoutMs = 60_000
const answerBytesMax = 64 * 1_048_576

/** Sends one request of the admin API, below `/v1`, and reads its answer. */
export type Ask = <T>(method: 'GET' | 'POST', path: string, body?: unknown) => Promise<Answer<T>>

/** The admin API of the server behind a socket. */
export function adminOverSocket(socketPath: string): AdminApi {
  return adminOver((method, path, body) =>
    ask(socketPath, method, path, body === undefined ? undefined : JSON.stringify(body)),
  )
}

/** The admin API behind whatever carries its requests. */
export function adminOver(ask: Ask): AdminApi {
  const page = (path: string, { issuer, limit, after }: PageRequest = {}): string => {
    const pairs = Object.entries({ issuer, limit, after }).filter(([, value]) => value !== undefined)
    return pairs.length === 0
      ? path
      : `${path}?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`
  }
  return {
    status: () => ask('GET', '/v1/status'),
    apply: body => ask('POST', '/v1/apply', body),
    rotateSecret: body => ask('POST', '/v1/secrets/rotation', body),
    revokeSecret: body => ask('POST', '/v1/secrets/revocation', body),
    secondFactors: query => ask('POST', '/v1/users/second-factors', query),
    resetSecondFactors: query => ask('POST', '/v1/users/second-factors/reset', query),
    revokeAccess: body => ask('POST', '/v1/revocation', body),
    revokeTenant: body => ask('POST', '/v1/revocation/tenant', body),
    createRegistrationToken: body => ask('POST', '/v1/registration-tokens', body),
    registrationTokens: asked => ask('GET', page('/v1/registration-tokens', asked)),
    revokeRegistrationToken: body => ask('POST', '/v1/registration-tokens/revocation', body),
    requestScopeGrant: body => ask('POST', '/v1/scope-grants', body),
    changeScopeGrant: body => ask('POST', '/v1/scope-grants/steps', body),
    listScopeGrants: asked => ask('GET', page('/v1/scope-grants', asked)),
    reportScopes: body => ask('POST', '/v1/scope-report', body),
    listApprovals: asked => ask('GET', page('/v1/approvals', asked)),
    changeApproval: body => ask('POST', '/v1/approvals', body),
    draftOnboarding: body => ask('POST', '/v1/onboardings', body),
    changeOnboarding: body => ask('POST', '/v1/onboardings/steps', body),
    checkOnboarding: body => ask('POST', '/v1/onboardings/checks', body),
    listOnboardings: asked => ask('GET', page('/v1/onboardings', asked)),
    dueOnboardings: body => ask('POST', '/v1/onboardings/due', body),
    onboardingFlags: body => ask('POST', '/v1/onboardings/flags', body),
    submitPolicies: body => ask('POST', '/v1/policies', body),
    changePolicies: body => ask('POST', '/v1/policies/changes', body),
    simulatePolicies: body => ask('POST', '/v1/policies/simulation', body),
    listPolicies: issuer => ask('GET', page('/v1/policies', { issuer })),
    renewRegistration: body => ask('POST', '/v1/registrations/renewal', body),
    listKeys: issuer => ask('GET', page('/v1/keys', { issuer })),
    rotateKeys: body => ask('POST', '/v1/keys/rotation', body),
    revokeKey: body => ask('POST', '/v1/keys/revocation', body),
    documents: asked => ask('GET', page('/v1/documents', asked)),
    audit: id => ask('GET', `/v1/audit?id=${encodeURIComponent(id)}`),
    verifyAudit: () => ask('GET', '/v1/audit/verification'),
    explainClient: (clientId, { issuer, scopes = [], resources = [], details = [] } = {}) => {
      const pairs = [
        ...(issuer === undefined ? [] : [['issuer', issuer]]),
        ...scopes.map(scope => ['scope', scope]),
        ...resources.map(resource => ['resource', resource]),
        ...details.map(type => ['details', type]),
      ]
      const query = pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
      return ask('GET', `/v1/clients/${encodeURIComponent(clientId)}/explain${query}`)
    },
  }
}

/** Whether a server answers behind a socket. */
export async function isServerThere(socketPath: string): Promise<boolean> {
  try {
    return (await ask(socketPath, 'GET', '/v1/status')).ok
  } catch {
    return false
  }
}

function ask<T>(socketPath: string, method: string, path: string, body?: string): Promise<Answer<T>> {
  return new Promise((done, fail) => {
    const headers =
      body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const outgoing = request({ socketPath, method, path, headers, timeout: timeoutMs }, response => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > answerBytesMax) outgoing.destroy(new Error('the answer of the server is too long'))
        chunks.push(chunk)
      })
      response.on('error', fail)
      response.on('end', () => {
        const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
        if (response.statusCode === 200) done({ ok: true, value: value as T })
        else done({ ok: false, problem: value as ProblemDetails })
      })
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('the server does not answer')))
    outgoing.on('error', fail)
    outgoing.end(body)
  })
}
