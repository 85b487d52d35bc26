import { fail, pass, type Rule } from '../../rule.ts'
import type { AuthenticatorFlags, ClientData } from './ceremony.ts'

/** Either ceremony: what the browser and the authenticator say, and what they must say. */
export interface CeremonyInput {
  readonly clientData: ClientData
  readonly flags: AuthenticatorFlags
  readonly expected: {
    readonly type: 'webauthn.create' | 'webauthn.get'
    readonly challenge: string
    readonly origin: string
    /** SHA-256 of our RP ID, base64url. */
    readonly rpIdHash: string
  }
}

export const ceremonyRules: readonly Rule<CeremonyInput>[] = [
  {
    id: 'passkey.type',
    clauses: ['WEBAUTHN-7.1-7', 'WEBAUTHN-7.2-11'],
    level: 'MUST',
    title: 'an answer of one ceremony is none of the other',
    check: ({ clientData, expected }) =>
      clientData.type === expected.type
        ? pass
        : fail('access_denied', 'the passkey answer is for another ceremony'),
  },
  {
    id: 'passkey.challenge',
    clauses: ['WEBAUTHN-7.1-8', 'WEBAUTHN-7.2-12'],
    level: 'MUST',
    title: 'the challenge is the one this page of this interaction asked for',
    check: ({ clientData, expected }) =>
      clientData.challenge === expected.challenge
        ? pass
        : fail('access_denied', 'the challenge was answered before, or is of another page'),
  },
  {
    id: 'passkey.origin',
    clauses: ['WEBAUTHN-7.1-9', 'WEBAUTHN-7.1-10', 'WEBAUTHN-7.2-13', 'WEBAUTHN-7.2-14'],
    level: 'MUST',
    title: 'the browser was on our own page, in no frame of another',
    check: ({ clientData, expected }) =>
      clientData.origin === expected.origin && !clientData.isCrossOrigin
        ? pass
        : fail('access_denied', 'the passkey was used on another site'),
  },
  {
    id: 'passkey.rp-id',
    clauses: ['WEBAUTHN-7.1-14', 'WEBAUTHN-7.2-16'],
    level: 'MUST',
    title: 'the authenticator signed for our host',
    check: ({ flags, expected }) =>
      flags.rpIdHash === expected.rpIdHash ? pass : fail('access_denied', 'the passkey is for another host'),
  },
  {
    id: 'passkey.user-present',
    clauses: ['WEBAUTHN-7.1-15', 'WEBAUTHN-7.2-17'],
    level: 'MUST',
    title: 'a person was there',
    check: ({ flags }) => (flags.isUserPresent ? pass : fail('access_denied', 'nobody touched the passkey')),
  },
  {
    id: 'passkey.user-verified',
    clauses: ['WEBAUTHN-7.1-16', 'WEBAUTHN-7.2-18'],
    level: 'MUST',
    title: 'the device verified that the person is its user',
    check: ({ flags }) =>
      flags.isUserVerified ? pass : fail('access_denied', 'the device did not verify its user'),
  },
]

/** A sign-in: the passkey as it was registered, and whose it is. */
export interface AssertionInput extends CeremonyInput {
  readonly userHandle: string | undefined
  /** Of the owner of the credential. */
  readonly ownerHandle: string
  /** The user this page is for, when it is known already; `undefined` when the passkey says who comes. */
  readonly ownerIsExpected: boolean
  readonly lastCounter: number
  readonly isSigned: boolean
}

export const assertionRules: readonly Rule<AssertionInput>[] = [
  ...ceremonyRules,
  {
    id: 'passkey.owner',
    clauses: ['WEBAUTHN-7.2-6'],
    level: 'MUST',
    title: 'the passkey belongs to the user it names, and to the one who is asked',
    check: ({ userHandle, ownerHandle, ownerIsExpected }) =>
      (userHandle === undefined || userHandle === ownerHandle) && ownerIsExpected
        ? pass
        : fail('access_denied', 'the passkey is of another user'),
  },
  {
    id: 'passkey.signature',
    clauses: ['WEBAUTHN-7.2-21'],
    level: 'MUST',
    title: 'the registered key made the signature',
    check: ({ isSigned }) =>
      isSigned ? pass : fail('access_denied', 'the registered key did not make the signature'),
  },
  {
    id: 'passkey.counter',
    clauses: ['WEBAUTHN-7.2-22'],
    level: 'MUST',
    title: 'a signature counter only rises; one that stays at nought does not count',
    check: ({ flags, lastCounter }) =>
      (flags.counter === 0 && lastCounter === 0) || flags.counter > lastCounter
        ? pass
        : fail('access_denied', 'the signature counter did not rise: there may be a copy of the key'),
  },
]
