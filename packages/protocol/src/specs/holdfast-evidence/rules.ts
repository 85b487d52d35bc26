import type { EpochSeconds } from '../../brand.ts'
import type { JwsAlg } from '../../profile.ts'
import { fail, pass, type Rule, type Verdict } from '../../rule.ts'

/** Explicit type of the token in which a gateway says what it verified. */
export const evidenceTyp = 'holdfast-evidence+jwt'
/** Carries the evidence token. */
export const evidenceHeader = 'holdfast-evidence'
/** Carries the issuer's signed answer about the client's token (RFC 9701): the phantom token. */
export const phantomHeader = 'holdfast-token'

/** Longest life of an evidence token (threat model, section 7: internal context). */
export const evidenceSecondsMax = 30
/** How far ahead of the API's clock the gateway's may be: both stand in one house. */
export const evidenceFutureSeconds = 5
/** Longest evidence token an API looks at. */
export const evidenceBytesMax = 4096
/** Longest phantom token: what fits into one header of an API with the usual limits. */
export const phantomBytesMax = 8192
const identifierCharactersMax = 256

/** A forwarded request before any signature is looked at. */
export interface ForwardedInput {
  readonly isSecure: boolean
  /** Values of the evidence header. */
  readonly evidences: readonly string[]
  /** Values of the phantom header. */
  readonly phantoms: readonly string[]
  /** Values of `Authorization` and `DPoP` together. */
  readonly credentials: readonly string[]
  /** Thumbprint of the connection's certificate. */
  readonly peer: string | undefined
  /** Thumbprints of the gateway's certificates; undefined when the API does not ask for one. */
  readonly peers: readonly string[] | undefined
}

const reject = (reason: string): Verdict => fail('invalid_token', reason)

export const forwardedRules: readonly Rule<ForwardedInput>[] = [
  {
    id: 'evidence.tls',
    clauses: ['HFE-1'],
    level: 'MUST',
    title: 'evidence came over TLS',
    check: ({ isSecure }) => (isSecure ? pass : reject('the evidence did not come over TLS')),
  },
  {
    id: 'evidence.peer',
    clauses: ['HFE-1'],
    level: 'MUST',
    title: 'evidence came over a connection with the certificate of the gateway',
    check: ({ peer, peers }) =>
      peers === undefined || (peer !== undefined && peers.includes(peer))
        ? pass
        : reject('the connection is not one of the gateway'),
  },
  {
    id: 'evidence.one',
    clauses: ['HFE-2'],
    level: 'MUST',
    title: 'there is one evidence token and one phantom token',
    check: ({ evidences, phantoms }) =>
      evidences.length === 1 && phantoms.length === 1
        ? pass
        : reject(`the request has ${evidences.length} evidence tokens and ${phantoms.length} phantom tokens`),
  },
  {
    id: 'evidence.alone',
    clauses: ['HFE-2'],
    level: 'MUST',
    title: 'evidence does not come with credentials of a client',
    check: ({ credentials }) =>
      credentials.length === 0 ? pass : reject('the request has evidence and credentials of its own'),
  },
]

/** An evidence token before its signature is looked at, and the request it came with. */
export interface EvidenceInput {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** Name of the gateway. */
  readonly issuer: string
  /** Name of this API behind the gateway. */
  readonly audience: string
  readonly algs: readonly JwsAlg[]
  readonly method: string
  /** Path and query as the API received them. */
  readonly target: string
  /** Base64url SHA-256 of the phantom token. */
  readonly phantomHash: string
  readonly now: EpochSeconds
}

const isIdentifier = (value: unknown): boolean =>
  typeof value === 'string' && value.length > 0 && value.length <= identifierCharactersMax
const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const evidenceRules: readonly Rule<EvidenceInput>[] = [
  {
    id: 'evidence.typ',
    clauses: ['HFE-3'],
    level: 'MUST',
    title: '`typ` is holdfast-evidence+jwt',
    check: ({ header: { typ } }) => (typ === evidenceTyp ? pass : reject('`typ` is not that of evidence')),
  },
  {
    id: 'evidence.alg',
    clauses: ['HFE-3'],
    level: 'MUST',
    title: '`alg` is one this API takes',
    check: ({ header: { alg }, algs }) =>
      algs.some(allowed => allowed === alg) ? pass : reject('`alg` of the evidence is not allowed'),
  },
  {
    id: 'evidence.iss',
    clauses: ['HFE-3'],
    level: 'MUST',
    title: '`iss` is the gateway this API stands behind',
    check: ({ claims: { iss }, issuer }) =>
      iss === issuer ? pass : reject('the evidence is of another gateway'),
  },
  {
    id: 'evidence.aud',
    clauses: ['HFE-3'],
    level: 'MUST',
    title: '`aud` is this API, as one string',
    check: ({ claims: { aud }, audience }) =>
      aud === audience ? pass : reject('the evidence is for another API'),
  },
  {
    id: 'evidence.members',
    clauses: ['HFE-4'],
    level: 'MUST',
    title: 'jti, rid and cnf are there and of their kind',
    check: ({ claims: { jti, rid, cnf } }) =>
      isIdentifier(jti) && isIdentifier(rid) && isObject(cnf)
        ? pass
        : reject('the evidence lacks `jti`, `rid` or `cnf`'),
  },
  {
    id: 'evidence.time',
    clauses: ['HFE-4'],
    level: 'MUST',
    title: 'the evidence is of this moment and lives 30 s at most',
    check: ({ claims: { iat, exp }, now }) =>
      Number.isSafeInteger(iat) &&
      Number.isSafeInteger(exp) &&
      Number(iat) <= now + evidenceFutureSeconds &&
      Number(exp) > now &&
      Number(exp) - Number(iat) <= evidenceSecondsMax
        ? pass
        : reject('the evidence is expired, too long-lived or of the future'),
  },
  {
    id: 'evidence.method',
    clauses: ['HFE-5'],
    level: 'MUST',
    title: '`htm` is the method of the request',
    check: ({ claims: { htm }, method }) =>
      htm === method ? pass : reject('the evidence is for another method'),
  },
  {
    id: 'evidence.target',
    clauses: ['HFE-5'],
    level: 'MUST',
    title: '`target` is path and query of the request, byte for byte',
    check: ({ claims, target }) =>
      claims.target === target ? pass : reject('the evidence is for another path or query'),
  },
  {
    id: 'evidence.token',
    clauses: ['HFE-5'],
    level: 'MUST',
    title: '`pth` is the hash of the phantom token',
    check: ({ claims: { pth }, phantomHash }) =>
      pth === phantomHash ? pass : reject('the evidence is for another phantom token'),
  },
]
