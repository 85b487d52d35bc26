import { fail, pass, type Rule } from '../../rule.ts'
import { secretMembers } from '../rfc7517-jwk/rules.ts'

export interface PublishedJwksInput {
  /** The JWKS document about to be published. */
  readonly document: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
}

const publicTypes: readonly unknown[] = ['EC', 'OKP', 'RSA', 'AKP']

/** What a key set of ours must satisfy before anybody sees it. A failure is our bug and stops the start. */
export const publishedJwksRules: readonly Rule<PublishedJwksInput>[] = [
  {
    id: 'jwks.private-member',
    clauses: ['OIDCD-3-jwks-public', 'RFC8414-2-jwks-public'],
    level: 'MUST',
    title: 'a published key has no private or symmetric member',
    check: ({ document }) => {
      const leaking = secretMembers.find(name => document.keys.some(key => Object.hasOwn(key, name)))
      return leaking === undefined
        ? pass
        : fail('server_error', `a published key has the member \`${leaking}\``)
    },
  },
  {
    id: 'jwks.key-type',
    clauses: ['OIDCD-3-jwks-public', 'RFC8414-2-jwks-public'],
    level: 'MUST',
    title: 'a published key is of an asymmetric type',
    check: ({ document }) =>
      document.keys.every(key => publicTypes.includes(key.kty))
        ? pass
        : fail('server_error', 'a published key is not of type EC, OKP, RSA or AKP'),
  },
  {
    id: 'jwks.kid-unique',
    clauses: ['RFC7517-4.5-published'],
    level: 'SHOULD',
    title: 'every published key has its own kid',
    check: ({ document: { keys } }) => {
      const kids = new Set(keys.map(key => key.kid))
      return kids.size === keys.length && [...kids].every(kid => typeof kid === 'string' && kid !== '')
        ? pass
        : fail('server_error', 'published keys share a kid or lack one')
    },
  },
  {
    id: 'jwks.use-and-alg',
    clauses: ['OIDCD-3-jwks-use', 'RFC8414-2-jwks-use'],
    level: 'MUST',
    title: 'every published key says its use and its one algorithm',
    check: ({ document }) =>
      document.keys.every(key => (key.use === 'sig' || key.use === 'enc') && typeof key.alg === 'string')
        ? pass
        : fail('server_error', 'a published key lacks `use` or `alg`'),
  },
]
