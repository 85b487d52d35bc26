import type { SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'
import { pollChecks } from './poll-checks.ts'
import type { PollInput } from './poll-input.ts'

export const deviceGrantType = 'urn:ietf:params:oauth:grant-type:device_code'

/** Seconds between polls to begin with, and what is added when a device does not wait (section 3.5). */
export const pollIntervalSeconds = 5
export const slowDownSeconds = 5
export const deviceCodeLifetimeSeconds = 600

/** No vowels, so that no code is a word; nothing that reads as something else (section 6.1). */
export const userCodeAlphabet = 'BCDFGHJKLMNPQRSTVWXZ'
export const userCodeLength = 8

/** What a person typed, as it was issued: case, spaces and dashes do not matter. Undefined: no code at all. */
export function normaliseUserCode(typed: string): string | undefined {
  const code = typed.toUpperCase().replaceAll(/[\s\p{Pd}]/gu, '')
  const isCode =
    code.length === userCodeLength && [...code].every(letter => userCodeAlphabet.includes(letter))
  return isCode ? code : undefined
}

/** In two halves, as people read it. */
export function shownUserCode(code: string): string {
  return `${code.slice(0, userCodeLength / 2)}-${code.slice(userCodeLength / 2)}`
}

/** A device asks for codes, or a user is about to allow what it asked for. */
export interface DeviceRequestInput {
  readonly grantTypes: readonly string[]
  /** `meet` of floor, client and the requested resources. */
  readonly profile: Pick<SecurityProfile, 'deviceGrant'>
  readonly scopes: readonly string[] | undefined
  readonly isDefined: (scope: string) => boolean
  readonly allowedScopes: readonly string[]
  readonly hasDetails: boolean
}

export const deviceRequestRules: readonly Rule<DeviceRequestInput>[] = [
  {
    id: 'device.registered',
    clauses: ['RFC8628-3.1-1'],
    level: 'MUST',
    title: 'the client registered the device grant',
    check: ({ grantTypes }) =>
      grantTypes.includes(deviceGrantType)
        ? pass
        : fail('unauthorized_client', 'the client is not registered for the device grant'),
  },
  {
    id: 'device.profile',
    clauses: [],
    level: 'OURS',
    title: 'the profile of client and resources allows the device grant; those of FAPI do not',
    check: ({ profile }) =>
      profile.deviceGrant === 'allowed'
        ? pass
        : fail('unauthorized_client', 'the profile does not allow the device grant'),
  },
  {
    id: 'device.scope',
    clauses: ['RFC8628-3.1-2'],
    level: 'MUST',
    title: 'the request names scopes or authorization details, and every scope is one the client may ask for',
    check: ({ scopes = [], isDefined, allowedScopes, hasDetails }) => {
      if (scopes.length === 0 && !hasDetails) return fail('invalid_scope', '`scope` is missing')
      return scopes.every(scope => allowedScopes.includes(scope) && (scope === 'openid' || isDefined(scope)))
        ? pass
        : fail('invalid_scope', 'a scope is unknown or not allowed for the client')
    },
  },
]

const polled = pollChecks('device code', 'device')

export const devicePollRules: readonly Rule<PollInput>[] = [
  {
    id: 'device.known',
    clauses: ['RFC8628-3.4'],
    level: 'MUST',
    title: 'the device code is one we issued',
    check: polled.known,
  },
  {
    id: 'device.client',
    clauses: ['RFC8628-3.4'],
    level: 'MUST',
    title: 'the device code was issued to this client',
    check: polled.client,
  },
  {
    id: 'device.binding',
    clauses: ['CLIENT-ATTESTATION-9.4'],
    level: 'OURS',
    title: 'the key is the one that was shown first',
    check: polled.binding,
  },
  {
    id: 'device.spent',
    clauses: ['RFC8628-5.2'],
    level: 'MUST',
    title: 'the device code was not used before',
    check: polled.spent,
  },
  {
    id: 'device.denied',
    clauses: ['RFC8628-3.5-1'],
    level: 'MUST',
    title: 'the user did not deny',
    check: polled.denied,
  },
  {
    id: 'device.expired',
    clauses: ['RFC8628-3.5-2'],
    level: 'MUST',
    title: 'the device code has not expired',
    check: polled.expired,
  },
  {
    id: 'device.too-fast',
    clauses: ['RFC8628-3.5-3'],
    level: 'MUST',
    title: 'a device that waits for its user keeps the interval between its polls',
    check: polled.tooFast,
  },
  {
    id: 'device.pending',
    clauses: ['RFC8628-3.5-4'],
    level: 'MUST',
    title: 'the user has answered',
    check: polled.pending,
  },
  {
    id: 'device.grant',
    clauses: ['RFC8628-3.4'],
    level: 'MUST',
    title: 'what the user allowed still stands, and so does the user',
    check: polled.grant,
  },
]
