import { fail, firstRefusal, pass, type Rule } from '../../rule.ts'

/** What a workload is called: its trust domain and a path in it. */
export interface SpiffeId {
  /** Lower-case name that keys are looked up by. */
  readonly trustDomain: string
  /** Begins with a slash. */
  readonly path: string
}

export interface SpiffeIdInput {
  readonly id: unknown
}

/** Longest identifier that is read, and longest name of a trust domain. */
export const spiffeIdLengthMax = 2048
const trustDomainLengthMax = 255

const scheme = 'spiffe://'
const domainName = new RegExp(`^[a-z0-9._-]{1,${trustDomainLengthMax}}$`)
const segment = /^[A-Za-z0-9._-]+$/

/** Whether a text can be the name of a trust domain (SPIFFE-ID section 2.1). */
export function isTrustDomain(name: string): boolean {
  return domainName.test(name)
}

function split(id: string): SpiffeId {
  const slash = id.indexOf('/', scheme.length)
  return slash === -1
    ? { trustDomain: id.slice(scheme.length), path: '' }
    : { trustDomain: id.slice(scheme.length, slash), path: id.slice(slash) }
}

const isSpiffe = (id: unknown): id is string => typeof id === 'string' && id.startsWith(scheme)

/** The identifier of a workload, by one spelling only: what differs in a character is somebody else. */
export const spiffeIdRules: readonly Rule<SpiffeIdInput>[] = [
  {
    id: 'spiffe-id.scheme',
    clauses: ['SPIFFE-ID-2', 'JWT-SVID-3.1', 'SPIFFE-CLIENT-AUTH-3.1-1'],
    level: 'MUST',
    title: 'a SPIFFE ID is text that begins with `spiffe://`',
    check: ({ id }) => (isSpiffe(id) ? pass : fail('invalid_client', 'not a SPIFFE ID')),
  },
  {
    id: 'spiffe-id.length',
    clauses: ['SPIFFE-ID-2.3'],
    level: 'MUST',
    title: `a SPIFFE ID has at most ${spiffeIdLengthMax} bytes`,
    check: ({ id }) =>
      isSpiffe(id) && Buffer.byteLength(id) <= spiffeIdLengthMax
        ? pass
        : fail('invalid_client', `the SPIFFE ID is longer than ${spiffeIdLengthMax} bytes`),
  },
  {
    id: 'spiffe-id.trust-domain',
    clauses: ['SPIFFE-ID-2.1'],
    level: 'MUST',
    title: 'a trust domain is lower-case letters, digits, dots, dashes and underscores, without user or port',
    check: ({ id }) =>
      isSpiffe(id) && isTrustDomain(split(id).trustDomain)
        ? pass
        : fail('invalid_client', 'the trust domain of the SPIFFE ID is malformed'),
  },
  {
    id: 'spiffe-id.path',
    clauses: ['SPIFFE-ID-2.2', 'SPIFFE-ID-2'],
    level: 'MUST',
    title: 'the path of a SPIFFE ID has no empty, relative or percent-encoded segment, query or fragment',
    check: ({ id }) =>
      isSpiffe(id) &&
      split(id)
        .path.split('/')
        .slice(1)
        .every(part => segment.test(part) && part !== '.' && part !== '..')
        ? pass
        : fail('invalid_client', 'the path of the SPIFFE ID is malformed'),
  },
  {
    id: 'spiffe-id.workload',
    clauses: ['SPIFFE-ID-2.2'],
    level: 'OURS',
    title: 'a workload has a path: the trust domain itself is no client',
    check: ({ id }) =>
      isSpiffe(id) && split(id).path !== ''
        ? pass
        : fail('invalid_client', 'the SPIFFE ID names a trust domain and no workload'),
  },
]

/** @returns undefined for anything that is not exactly a SPIFFE ID of a workload */
export function parseSpiffeId(id: unknown): SpiffeId | undefined {
  return firstRefusal(spiffeIdRules, { id }) === undefined ? split(id as string) : undefined
}
