import type { SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'

/** Prefix of the request URIs we hand out. */
export const requestUriPrefix = 'urn:ietf:params:oauth:request_uri:'

/** What a body pushed to the PAR endpoint says about other ways to carry a request. */
export interface PushInput {
  readonly requestUri: string | undefined
}

export const pushRules: readonly Rule<PushInput>[] = [
  {
    id: 'par.request-uri',
    clauses: ['RFC9126-2.1-3'],
    level: 'MUST',
    title: 'a pushed request does not point at another request',
    check: ({ requestUri }) =>
      requestUri === undefined ? pass : fail('invalid_request', '`request_uri` must not be pushed'),
  },
]

/** How an authorization request reached the authorization endpoint. */
export interface PushRequiredInput {
  readonly profile: Pick<SecurityProfile, 'pushedAuthorizationRequests'>
  readonly clientRequiresPush: boolean
  readonly pushed: boolean
}

export const pushRequiredRules: readonly Rule<PushRequiredInput>[] = [
  {
    id: 'par.required',
    clauses: ['FAPI2-SP-FINAL-5.3.2.2-3', 'RFC9126-4-2', 'RFC9126-5', 'RFC9126-6'],
    level: 'MUST',
    title: 'where the profile or the client requires PAR, parameters in the browser are refused',
    check: ({ profile, clientRequiresPush, pushed }) =>
      !pushed && (clientRequiresPush || profile.pushedAuthorizationRequests === 'required')
        ? fail('invalid_request', 'this client must push its authorization requests')
        : pass,
  },
]

/** A request URI presented at the authorization endpoint, and what the store knows about it. */
export interface RequestUriInput {
  readonly clientId: string | undefined
  readonly now: number
  readonly found:
    | {
        readonly clientId: string
        readonly expiresAt: number
        readonly spentAt: number | undefined
      }
    | undefined
}

/** Refusals by these are shown to the user: nothing trustworthy says where to redirect. */
export const requestUriRules: readonly Rule<RequestUriInput>[] = [
  {
    id: 'request-uri.known',
    clauses: ['RFC9126-4'],
    level: 'MUST',
    title: 'the request URI was handed out by this server',
    check: ({ found }) =>
      found === undefined ? fail('invalid_request_uri', 'the request URI is unknown') : pass,
  },
  {
    id: 'request-uri.client',
    clauses: ['RFC9126-2.2-2'],
    level: 'MUST',
    title: 'the request URI belongs to the client that presents it',
    check: ({ found, clientId }) =>
      found === undefined || found.clientId === clientId
        ? pass
        : fail('invalid_request_uri', 'the request URI was handed to another client'),
  },
  {
    id: 'request-uri.live',
    clauses: ['RFC9126-4-3', 'RFC9126-2.2-3'],
    level: 'MUST',
    title: 'the request URI has not expired',
    check: ({ found, now }) =>
      found === undefined || now < found.expiresAt
        ? pass
        : fail('invalid_request_uri', 'the request URI has expired'),
  },
  {
    id: 'request-uri.unspent',
    clauses: ['RFC9126-4-3'],
    level: 'MUST',
    title: 'the request URI has not led to a code yet',
    check: ({ found }) =>
      found?.spentAt === undefined ? pass : fail('invalid_request_uri', 'the request URI was already used'),
  },
]
