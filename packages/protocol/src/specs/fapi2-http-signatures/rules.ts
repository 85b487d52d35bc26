import { fail, pass, type Rule } from '../../rule.ts'

/** `tag` of the signature of a request, and of an answer. */
export const requestTag = 'fapi-2-request'
export const responseTag = 'fapi-2-response'

/** Oldest signature of a request that is taken. */
export const requestAgeSecondsMax = 60

/** What the signature of a request covers and says, and what the request has. */
export interface SignedRequestInput {
  /** As the list has them: `"@method"`. */
  readonly covered: ReadonlySet<string>
  readonly created: number | undefined
  readonly hasProof: boolean
  /** Whether there is a body, or a digest of one. */
  readonly hasContent: boolean
  readonly now: number
  readonly ageSeconds: number
  readonly futureSeconds: number
}

function missing(covered: ReadonlySet<string>, names: readonly string[]): string | undefined {
  return names.find(name => !covered.has(`"${name}"`))
}

export const signedRequestRules: readonly Rule<SignedRequestInput>[] = [
  {
    id: 'fapi-http-signature.components',
    clauses: ['FAPI2-HTTPSIG-5.3.1.2-5'],
    level: 'MUST',
    title: 'the signature covers method, target and authorization',
    check: ({ covered }) => {
      const name = missing(covered, ['@method', '@target-uri', 'authorization'])
      return name === undefined ? pass : fail('invalid_request', `the signature does not cover \`${name}\``)
    },
  },
  {
    id: 'fapi-http-signature.proof',
    clauses: ['FAPI2-HTTPSIG-5.3.1.2-7'],
    level: 'MUST',
    title: 'where there is a DPoP proof, the signature covers it',
    check: ({ covered, hasProof }) =>
      hasProof && missing(covered, ['dpop']) !== undefined
        ? fail('invalid_request', 'the signature does not cover `dpop`')
        : pass,
  },
  {
    id: 'fapi-http-signature.content',
    clauses: ['FAPI2-HTTPSIG-5.3.1.2-8'],
    level: 'MUST',
    title: 'where there is a body, the signature covers its digest',
    check: ({ covered, hasContent }) =>
      hasContent && missing(covered, ['content-digest']) !== undefined
        ? fail('invalid_request', 'the signature does not cover `content-digest`')
        : pass,
  },
  {
    id: 'fapi-http-signature.created',
    clauses: ['FAPI2-HTTPSIG-5.3.1.2-6'],
    level: 'MUST',
    title: 'the signature says when it was made, and that was a moment ago',
    check: ({ created, now, ageSeconds, futureSeconds }) =>
      created !== undefined && created >= now - ageSeconds && created <= now + futureSeconds
        ? pass
        : fail('invalid_request', '`created` is missing, too old or in the future'),
  },
]
