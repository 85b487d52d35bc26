import { fail, pass, type Rule } from '../../rule.ts'

export interface MetadataInput {
  /** The configured issuer identifier. */
  readonly issuer: string
  /** The document about to be published. */
  readonly document: Readonly<Record<string, unknown>>
}

const requiredMembers = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'response_types_supported',
  'jwks_uri',
]

/** Members whose default, when absent, says something that is false about us (MD-08). */
const explicitMembers = [
  'grant_types_supported',
  'token_endpoint_auth_methods_supported',
  'revocation_endpoint_auth_methods_supported',
  'response_modes_supported',
  'request_parameter_supported',
  'request_uri_parameter_supported',
  'require_request_uri_registration',
  'claims_parameter_supported',
]

const urlName = /(?:_endpoint|_uri)$/

function isPlainHttps(text: unknown, mayHaveQuery: boolean): boolean {
  if (typeof text !== 'string' || !text.startsWith('https://') || text.includes('#')) return false
  return URL.canParse(text) && (mayHaveQuery || !text.includes('?'))
}

/** What a metadata document of ours must satisfy before anybody sees it. A failure is our bug. */
export const metadataRules: readonly Rule<MetadataInput>[] = [
  {
    id: 'metadata.issuer-form',
    clauses: ['RFC8414-2-issuer'],
    level: 'MUST',
    title: 'the issuer is an https URL without query and fragment',
    check: ({ issuer }) =>
      isPlainHttps(issuer, false)
        ? pass
        : fail('server_error', `issuer \`${issuer}\` is not https, or has a query or fragment`),
  },
  {
    id: 'metadata.issuer-identical',
    clauses: ['RFC8414-3.3'],
    level: 'MUST',
    title: 'the document names exactly the configured issuer',
    check: ({ issuer, document }) =>
      document.issuer === issuer
        ? pass
        : fail('server_error', `the document does not name issuer \`${issuer}\``),
  },
  {
    id: 'metadata.required',
    clauses: ['RFC8414-2-required'],
    level: 'MUST',
    title: 'every required member is there',
    check: ({ document }) => {
      const missing = requiredMembers.find(name => document[name] === undefined)
      return missing === undefined ? pass : fail('server_error', `the document lacks \`${missing}\``)
    },
  },
  {
    id: 'metadata.explicit',
    clauses: ['RFC8414-2-defaults'],
    level: 'OURS',
    title: 'members with a misleading default are written out',
    check: ({ document }) => {
      const missing = explicitMembers.find(name => document[name] === undefined)
      return missing === undefined
        ? pass
        : fail('server_error', `the document leaves \`${missing}\` to its default`)
    },
  },
  {
    id: 'metadata.https',
    clauses: ['RFC8414-2-https'],
    level: 'MUST',
    title: 'every endpoint is an https URL without fragment',
    check: ({ document }) => {
      const aliases = document.mtls_endpoint_aliases ?? {}
      const all = [...Object.entries(document), ...Object.entries(aliases)]
      const bad = all.find(([name, value]) => urlName.test(name) && !isPlainHttps(value, true))
      return bad === undefined
        ? pass
        : fail('server_error', `\`${bad[0]}\` is not an https URL without fragment`)
    },
  },
  {
    id: 'metadata.empty',
    clauses: ['RFC8414-3.2-empty'],
    level: 'MUST',
    title: 'a list with nothing in it is left out',
    check: ({ document }) => {
      const empty = Object.entries(document).find(([, value]) => Array.isArray(value) && value.length === 0)
      return empty === undefined ? pass : fail('server_error', `\`${empty[0]}\` is an empty list`)
    },
  },
]
