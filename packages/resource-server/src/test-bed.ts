import assert from 'node:assert/strict'
import { epochSeconds } from '@holdfast/protocol'
import type { CertificateEvidence } from '@holdfast/protocol/sender/mtls.ts'
import { type Challenge as ParsedChallenge, parseChallenges } from '@holdfast/protocol/wire/challenge.ts'
import type { AccessEvent } from './audit.ts'
import type { Challenge } from './challenge.ts'
import type { Requirements, ResourceServerOptions } from './options.ts'
import { inMemoryReplayMemory } from './replay.ts'
import type { ApiRequest } from './request.ts'
import {
  type TestClock,
  type TestIssuer,
  type TestKey,
  testClock,
  testIssuer,
  testKey,
  testProof,
} from './testing.ts'
import { createResourceServer, type ResourceServer, type Verified } from './verify.ts'

/** An API, its issuer and a client with a key, for the tests of this package. */
export interface TestBed {
  readonly clock: TestClock
  readonly issuer: TestIssuer
  readonly api: ResourceServer
  readonly events: AccessEvent[]
  readonly alarms: string[]
  readonly key: TestKey
  /** A JWT bound to `key`. */
  readonly boundToken: (
    changes?: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
  ) => string
}

export function testBed(
  options: Partial<ResourceServerOptions> & { readonly clock?: TestClock } = {},
): TestBed {
  const clock = options.clock ?? testClock()
  const issuer = testIssuer({ clock })
  const key = testKey('ES256')
  const events: AccessEvent[] = []
  const alarms: string[] = []
  const api = createResourceServer({
    issuer: issuer.issuer,
    audience: issuer.audience,
    tokens: 'jwt',
    fetch: issuer.fetch,
    clock,
    audit: event => {
      events.push(event)
    },
    onAlarm: alarm => alarms.push(alarm),
    // A memory that is known to be complete: its youth has a test of its own.
    replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0) }),
    ...options,
  })
  return {
    clock,
    issuer,
    api,
    events,
    alarms,
    key,
    boundToken: (changes, header) => issuer.mint({ cnf: { jkt: key.thumbprint }, ...changes }, header),
  }
}

export interface CallOptions {
  readonly method?: string
  readonly target?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly isSecure?: boolean
  readonly peerCertificate?: CertificateEvidence
  readonly isTokenInBody?: boolean
  readonly body?: Uint8Array
  readonly requirements?: Requirements
}

export function requestOf(options: CallOptions = {}): ApiRequest {
  const {
    method = 'GET',
    target = '/payments/7',
    headers = {},
    isSecure = true,
    isTokenInBody = false,
    body = new Uint8Array(),
  } = options
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value].flat()]))
  return {
    method,
    target,
    headers: name => lower.get(name) ?? [],
    isSecure,
    peerCertificate: options.peerCertificate,
    isTokenInBody,
    readBody: async bytesMax => (body.length > bytesMax ? undefined : body),
    native: undefined,
  }
}

export function call(bed: TestBed, options: CallOptions = {}): Promise<Verified | Challenge> {
  return bed.api.guard(options.requirements)(requestOf(options))
}

/** Headers of a good DPoP request for `/payments/7`. */
export function dpopHeaders(
  bed: TestBed,
  token: string,
  proof: Partial<Parameters<typeof testProof>[0]> = {},
): Record<string, string> {
  const { clock, key, issuer } = bed
  const made = testProof({
    key,
    method: 'GET',
    url: `${issuer.audience}/payments/7`,
    token,
    now: clock.now(),
    ...proof,
  })
  return { authorization: `DPoP ${token}`, dpop: made }
}

/** Asserts a refusal and gives it back. */
export function refused(answer: Verified | Challenge, status: number, ruleId: string): Challenge {
  assert.equal(answer.ok, false, 'the request was accepted')
  if (answer.ok) throw new TypeError('unreachable')
  assert.equal(answer.ruleId, ruleId, answer.reason)
  assert.equal(answer.status, status)
  return answer
}

export function accepted(answer: Verified | Challenge): Verified['value'] {
  assert.equal(answer.ok, true, answer.ok ? '' : `${answer.ruleId}: ${answer.reason}`)
  if (!answer.ok) throw new TypeError('unreachable')
  return answer.value
}

/** The challenges of a refusal, parsed, by lower-case scheme. */
export function challengesOf(answer: Challenge): ReadonlyMap<string, ParsedChallenge> {
  const fields = answer.headers.filter(([name]) => name === 'www-authenticate').map(([, value]) => value)
  return new Map(
    fields.flatMap(field => {
      const parsed = parseChallenges(field)
      assert.ok(parsed, field)
      return parsed.map(one => [one.scheme.toLowerCase(), one] as const)
    }),
  )
}

export function headerOf(answer: Challenge, name: string): string | undefined {
  return answer.headers.find(([header]) => header === name)?.[1]
}
