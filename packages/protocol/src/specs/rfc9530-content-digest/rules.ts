import { hash } from 'node:crypto'
import { fail, pass, type Rule } from '../../rule.ts'
import { type Dictionary, isInnerList } from '../../wire/structured-field.ts'

export const contentDigestHeader = 'content-digest'

export interface ContentDigestInput {
  /** `Content-Digest`; undefined when it is not there or no dictionary. */
  readonly digests: Dictionary | undefined
  /** The body as it came, before anything was decoded. */
  readonly body: Uint8Array
}

/** Algorithms that are safe to rely on (RFC 9530 section 5), and what `node:crypto` calls them. */
const algorithms = { 'sha-256': 'sha256', 'sha-512': 'sha512' } as const

export const contentDigestRules: readonly Rule<ContentDigestInput>[] = [
  {
    id: 'content-digest.sha-256',
    clauses: ['RFC9530-2', 'FAPI2-HTTPSIG-5.3.1.1-8'],
    level: 'MUST',
    title: '`Content-Digest` is a dictionary with `sha-256`',
    check: ({ digests }) =>
      bytesOf(digests, 'sha-256') === undefined
        ? fail('invalid_request', '`Content-Digest` has no `sha-256`')
        : pass,
  },
  {
    id: 'content-digest.match',
    clauses: ['RFC9530-2-1'],
    level: 'MUST',
    title: 'every digest that we know is that of the body',
    check: ({ digests, body }) =>
      Object.entries(algorithms).every(
        ([name, algorithm]) =>
          digests?.has(name) !== true ||
          bytesOf(digests, name)?.equals(hash(algorithm, body, 'buffer')) === true,
      )
        ? pass
        : fail('invalid_request', 'the body is not the one of `Content-Digest`'),
  },
]

function bytesOf(digests: Dictionary | undefined, name: string): Buffer | undefined {
  const member = digests?.get(name)
  if (member === undefined || isInnerList(member) || member.item.type !== 'bytes') return undefined
  return member.item.value
}

/** `Content-Digest` of a body. */
export function contentDigestOf(body: Uint8Array): string {
  return `sha-256=:${hash('sha256', body, 'base64')}:`
}
