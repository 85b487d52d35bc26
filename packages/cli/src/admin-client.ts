import { request } from 'node:http'
import type { AdminApi, Answer, ProblemDetails } from '@holdfast/server/control/admin-api.ts'

const timeoutMs = 60_000
const answerBytesMax = 64 * 1_048_576

/** The admin API of the server behind a socket. */
export function adminOverSocket(socketPath: string): AdminApi {
  const get = <T>(path: string): Promise<Answer<T>> => ask<T>(socketPath, 'GET', path)
  return {
    status: () => get('/v1/status'),
    apply: body => ask(socketPath, 'POST', '/v1/apply', JSON.stringify(body)),
    rotateSecret: body => ask(socketPath, 'POST', '/v1/secrets/rotation', JSON.stringify(body)),
    revokeSecret: body => ask(socketPath, 'POST', '/v1/secrets/revocation', JSON.stringify(body)),
    secondFactors: query => ask(socketPath, 'POST', '/v1/users/second-factors', JSON.stringify(query)),
    resetSecondFactors: query =>
      ask(socketPath, 'POST', '/v1/users/second-factors/reset', JSON.stringify(query)),
    revokeAccess: body => ask(socketPath, 'POST', '/v1/revocation', JSON.stringify(body)),
    revokeTenant: body => ask(socketPath, 'POST', '/v1/revocation/tenant', JSON.stringify(body)),
    createRegistrationToken: body => ask(socketPath, 'POST', '/v1/registration-tokens', JSON.stringify(body)),
    registrationTokens: issuer =>
      get(`/v1/registration-tokens${issuer === undefined ? '' : `?issuer=${encodeURIComponent(issuer)}`}`),
    revokeRegistrationToken: body =>
      ask(socketPath, 'POST', '/v1/registration-tokens/revocation', JSON.stringify(body)),
    requestScopeGrant: body => ask(socketPath, 'POST', '/v1/scope-grants', JSON.stringify(body)),
    changeScopeGrant: body => ask(socketPath, 'POST', '/v1/scope-grants/steps', JSON.stringify(body)),
    listScopeGrants: issuer =>
      get(`/v1/scope-grants${issuer === undefined ? '' : `?issuer=${encodeURIComponent(issuer)}`}`),
    reportScopes: body => ask(socketPath, 'POST', '/v1/scope-report', JSON.stringify(body)),
    listApprovals: issuer =>
      get(`/v1/approvals${issuer === undefined ? '' : `?issuer=${encodeURIComponent(issuer)}`}`),
    changeApproval: body => ask(socketPath, 'POST', '/v1/approvals', JSON.stringify(body)),
    draftOnboarding: body => ask(socketPath, 'POST', '/v1/onboardings', JSON.stringify(body)),
    changeOnboarding: body => ask(socketPath, 'POST', '/v1/onboardings/steps', JSON.stringify(body)),
    checkOnboarding: body => ask(socketPath, 'POST', '/v1/onboardings/checks', JSON.stringify(body)),
    listOnboardings: issuer =>
      get(`/v1/onboardings${issuer === undefined ? '' : `?issuer=${encodeURIComponent(issuer)}`}`),
    dueOnboardings: body => ask(socketPath, 'POST', '/v1/onboardings/due', JSON.stringify(body)),
    onboardingFlags: body => ask(socketPath, 'POST', '/v1/onboardings/flags', JSON.stringify(body)),
    submitPolicies: body => ask(socketPath, 'POST', '/v1/policies', JSON.stringify(body)),
    changePolicies: body => ask(socketPath, 'POST', '/v1/policies/changes', JSON.stringify(body)),
    simulatePolicies: body => ask(socketPath, 'POST', '/v1/policies/simulation', JSON.stringify(body)),
    listPolicies: issuer =>
      get(`/v1/policies${issuer === undefined ? '' : `?issuer=${encodeURIComponent(issuer)}`}`),
    renewRegistration: body => ask(socketPath, 'POST', '/v1/registrations/renewal', JSON.stringify(body)),
    listKeys: issuer => get(`/v1/keys${issuer === undefined ? '' : `?issuer=${encodeURIComponent(issuer)}`}`),
    rotateKeys: body => ask(socketPath, 'POST', '/v1/keys/rotation', JSON.stringify(body)),
    revokeKey: body => ask(socketPath, 'POST', '/v1/keys/revocation', JSON.stringify(body)),
    documents: () => get('/v1/documents'),
    audit: id => get(`/v1/audit?id=${encodeURIComponent(id)}`),
    verifyAudit: () => get('/v1/audit/verification'),
    explainClient: (clientId, { issuer, scopes = [], resources = [], details = [] } = {}) => {
      const pairs = [
        ...(issuer === undefined ? [] : [['issuer', issuer]]),
        ...scopes.map(scope => ['scope', scope]),
        ...resources.map(resource => ['resource', resource]),
        ...details.map(type => ['details', type]),
      ]
      const query = pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
      return get(`/v1/clients/${encodeURIComponent(clientId)}/explain${query}`)
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
