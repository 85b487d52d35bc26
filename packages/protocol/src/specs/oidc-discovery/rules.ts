import { fail, pass, type Rule } from '../../rule.ts'
import type { MetadataInput } from '../rfc8414-metadata/rules.ts'

const requiredMembers = ['subject_types_supported', 'id_token_signing_alg_values_supported']

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** What OpenID Connect Discovery adds to RFC 8414 for an OpenID provider. */
export const discoveryRules: readonly Rule<MetadataInput>[] = [
  {
    id: 'discovery.required',
    clauses: ['OIDCD-3-required'],
    level: 'MUST',
    title: 'the members an OpenID client needs are there',
    check: ({ document }) => {
      const missing = requiredMembers.find(name => document[name] === undefined)
      return missing === undefined ? pass : fail('server_error', `the document lacks \`${missing}\``)
    },
  },
  {
    id: 'discovery.openid-scope',
    clauses: ['OIDCD-3-scopes'],
    level: 'MUST',
    title: 'a published scope list names openid',
    check: ({ document }) =>
      document.scopes_supported === undefined || listOf(document.scopes_supported).includes('openid')
        ? pass
        : fail('server_error', '`scopes_supported` does not name `openid`'),
  },
  {
    id: 'discovery.id-token-none',
    clauses: ['OIDCD-3-none'],
    level: 'MUST',
    title: 'ID tokens are never offered unsigned',
    check: ({ document }) =>
      listOf(document.id_token_signing_alg_values_supported).includes('none')
        ? fail('server_error', '`id_token_signing_alg_values_supported` names `none`')
        : pass,
  },
  {
    id: 'discovery.scope-tokens',
    clauses: ['RFC6749-3.3-published'],
    level: 'MUST',
    title: 'every published scope is a scope token',
    check: ({ document }) =>
      listOf(document.scopes_supported).every(
        scope => typeof scope === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope),
      )
        ? pass
        : fail('server_error', '`scopes_supported` holds something that is no scope token'),
  },
]
