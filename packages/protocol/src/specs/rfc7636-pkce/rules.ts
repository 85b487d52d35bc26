import { hash, timingSafeEqual } from 'node:crypto'
import type { SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'

/** What an authorization request says about PKCE. */
export interface PkceInput {
  readonly profile: Pick<SecurityProfile, 'pkce'>
  readonly isPublic: boolean
  /** Whether the client pushed the request. */
  readonly pushed: boolean
  readonly codeChallenge: string | undefined
  readonly codeChallengeMethod: string | undefined
}

/** The request side: judged at PAR and at a direct authorization request. */
export const pkceRules: readonly Rule<PkceInput>[] = [
  {
    id: 'pkce.required',
    clauses: ['RFC7636-4.4.1', 'FAPI2-SP-FINAL-5.3.2.2-5', 'FAPI1-ADV-5.2.2-18', 'RFC9700-2.1.1-1'],
    level: 'MUST',
    title: 'a code_challenge is present when the profile, a push or a public client requires one',
    check: ({ profile: { pkce }, isPublic, pushed, codeChallenge }) =>
      codeChallenge === undefined && (isPublic || pkce === 'required' || (pkce === 'pushed' && pushed))
        ? fail('invalid_request', '`code_challenge` is missing')
        : pass,
  },
  {
    id: 'pkce.method',
    clauses: ['RFC7636-4.3-2', 'RFC7636-4.4.1', 'FAPI2-SP-FINAL-5.3.2.2-5'],
    level: 'MUST',
    title: 'the challenge method is S256; an absent method means plain, which is never accepted',
    check: ({ codeChallenge, codeChallengeMethod }) => {
      if (codeChallenge === undefined)
        return codeChallengeMethod === undefined
          ? pass
          : fail('invalid_request', '`code_challenge_method` without `code_challenge`')
      return codeChallengeMethod === 'S256'
        ? pass
        : fail(
            'invalid_request',
            `code_challenge_method is \`${codeChallengeMethod ?? 'plain'}\`, not \`S256\``,
          )
    },
  },
  {
    id: 'pkce.format',
    clauses: ['RFC7636-4.2'],
    level: 'MUST',
    title: 'an S256 challenge is exactly 43 base64url characters',
    check: ({ codeChallenge }) =>
      codeChallenge === undefined || /^[A-Za-z0-9_-]{43}$/.test(codeChallenge)
        ? pass
        : fail('invalid_request', '`code_challenge` is not the base64url form of a SHA-256 digest'),
  },
]

/** What a token request proves about the challenge its code was issued with. */
export interface PkceVerifierInput {
  /** As stored with the code. */
  readonly codeChallenge: string | undefined
  readonly codeVerifier: string | undefined
}

/** The redemption side: judged at the token endpoint. */
export const pkceVerifierRules: readonly Rule<PkceVerifierInput>[] = [
  {
    id: 'pkce.verifier-present',
    clauses: ['RFC7636-4.6', 'FAPI2-SP-FINAL-5.3.2.2-5'],
    level: 'MUST',
    title: 'a code with a challenge is redeemed with a verifier',
    check: ({ codeChallenge, codeVerifier }) =>
      codeChallenge !== undefined && codeVerifier === undefined
        ? fail('invalid_grant', '`code_verifier` is missing')
        : pass,
  },
  {
    id: 'pkce.downgrade',
    clauses: ['RFC9700-4.8.2-1'],
    level: 'MUST',
    title: 'a verifier for a code without a challenge is a downgrade and is refused',
    check: ({ codeChallenge, codeVerifier }) =>
      codeChallenge === undefined && codeVerifier !== undefined
        ? fail('invalid_grant', '`code_verifier` was sent but the code has no challenge')
        : pass,
  },
  {
    id: 'pkce.verifier-format',
    clauses: ['RFC7636-4.1'],
    level: 'MUST',
    title: 'a verifier is 43 to 128 unreserved characters',
    check: ({ codeVerifier }) =>
      codeVerifier === undefined || /^[A-Za-z0-9\-._~]{43,128}$/.test(codeVerifier)
        ? pass
        : fail('invalid_grant', '`code_verifier` is not 43 to 128 unreserved characters'),
  },
  {
    id: 'pkce.verifier-match',
    clauses: ['RFC7636-4.6', 'FAPI2-SP-FINAL-5.3.2.2-5'],
    level: 'MUST',
    title: 'the verifier hashes to the challenge',
    check: ({ codeChallenge, codeVerifier }) =>
      codeChallenge === undefined || codeVerifier === undefined || hashesTo(codeVerifier, codeChallenge)
        ? pass
        : fail('invalid_grant', '`code_verifier` does not match the challenge of the code'),
  },
]

function hashesTo(verifier: string, challenge: string): boolean {
  const expected = Buffer.from(challenge, 'ascii')
  const actual = Buffer.from(hash('sha256', verifier, 'base64url'), 'ascii')
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}
