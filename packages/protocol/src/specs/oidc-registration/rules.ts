import { fail, pass, type Rule } from '../../rule.ts'
import type { ClientMetadata, ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'

const bad = (field: string, reason: string) => fail('invalid_client_metadata', reason, { field })
const sectorUriLengthMax = 2048

/** What a client may register about who its users are to it (OpenID Connect Core section 8). */
export const sectorMetadataRules: readonly Rule<ClientMetadataInput>[] = [
  {
    id: 'client.sector-uri',
    clauses: ['OIDCR-5-https'],
    level: 'MUST',
    title: '`sector_identifier_uri` is an https URL, for clients with pairwise subjects',
    check: ({ metadata: { sector_identifier_uri: uri, subject_type: type } }) => {
      if (uri === undefined) return pass
      if (type !== 'pairwise') return bad('sector_identifier_uri', 'only pairwise subjects have a sector')
      return isPlainHttps(uri) ? pass : bad('sector_identifier_uri', 'is not an https URL without fragment')
    },
  },
  {
    id: 'client.sector',
    clauses: ['OIDCC-8.1-sector'],
    level: 'MUST',
    title:
      'pairwise subjects come with one sector: that of the sector document, or of the only redirect host',
    check: ({ metadata }) =>
      metadata.subject_type !== 'pairwise' || sectorOf(metadata) !== undefined
        ? pass
        : bad('subject_type', 'redirect URIs of several hosts, or none, need `sector_identifier_uri`'),
  },
]

/**
 * The sector that a client's pairwise subjects belong to: a host name; undefined when there is not exactly one, or
 * when subjects are public.
 */
export function sectorOf(metadata: ClientMetadata): string | undefined {
  if (metadata.subject_type !== 'pairwise') return undefined
  const { sector_identifier_uri: sector, redirect_uris: redirectUris = [] } = metadata
  const hosts = new Set((sector === undefined ? redirectUris : [sector]).map(hostOf))
  const [host] = hosts
  return hosts.size === 1 && host !== '' ? host : undefined
}

/** What stands at `sector_identifier_uri`, and the URIs that must stand in it. */
export interface SectorInput {
  readonly document: unknown
  readonly redirectUris: readonly string[]
}

export const sectorDocumentRules: readonly Rule<SectorInput>[] = [
  {
    id: 'registration.sector-document',
    clauses: ['OIDCR-5-contains'],
    level: 'MUST',
    title: 'the sector document is a JSON array that holds every redirect URI of the client',
    check: ({ document, redirectUris }) => {
      const field = 'sector_identifier_uri'
      if (!Array.isArray(document)) return bad(field, 'the sector document is not a JSON array')
      const listed: readonly unknown[] = document
      return redirectUris.every(uri => listed.includes(uri))
        ? pass
        : bad(field, 'the sector document lacks a redirect URI of the client')
    },
  },
]

function hostOf(uri: string): string {
  return URL.canParse(uri) ? new URL(uri).hostname : ''
}

function isPlainHttps(text: string): boolean {
  if (text.length > sectorUriLengthMax || text.includes('#') || !URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return protocol === 'https:' && username === '' && password === ''
}
