import { createPublicKey, hash } from 'node:crypto'
import { firstRefusal } from '@holdfast/protocol'
import {
  publishedResourceMetadata,
  type ResourceMetadata,
  resourceMetadataRules,
} from '@holdfast/protocol/specs/rfc9728-resource-metadata/rules.ts'
import type { ResourceServer } from './verify.ts'

/** An answer of fixed bytes. */
export interface PreparedAnswer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** The published metadata of an API (RFC 9728) and where it is served. */
export interface PublishedMetadata {
  readonly url: string
  /** Path and query of `url`, to route on. */
  readonly path: string
  readonly document: Readonly<Record<string, unknown>>
  /** The answer to a request for the document: GET and HEAD only. */
  readonly answer: (method: string) => PreparedAnswer
}

/** @throws TypeError when the document breaks a rule of RFC 9728 */
export function publishMetadata({ settings, options }: ResourceServer): PublishedMetadata {
  const { audience, issuer, methods, senderConstraint, proofAlgs, resourceMetadataUrl } = settings
  const { jwksUri, alg } = settings.signatures?.answers ?? {}
  const isRequired = senderConstraint === 'required'
  const metadata: ResourceMetadata = {
    resource: audience,
    authorization_servers: [issuer],
    ...(jwksUri !== undefined && { jwks_uri: jwksUri }),
    scopes_supported: options.scopes ?? [],
    bearer_methods_supported: ['header'],
    ...(alg !== undefined && { resource_signing_alg_values_supported: [alg] }),
    ...(options.authorizationDetailsTypes === undefined
      ? {}
      : { authorization_details_types_supported: options.authorizationDetailsTypes }),
    ...(options.name === undefined ? {} : { resource_name: options.name }),
    tls_client_certificate_bound_access_tokens: methods.includes('mtls'),
    dpop_signing_alg_values_supported: methods.includes('dpop') ? proofAlgs : [],
    dpop_bound_access_tokens_required: isRequired && !methods.includes('mtls'),
  }
  const refusal = firstRefusal(resourceMetadataRules, metadata)
  if (refusal !== undefined) throw new TypeError(refusal.reason)
  const document = publishedResourceMetadata(metadata)
  return published(resourceMetadataUrl, document, 'application/json')
}

/**
 * The key this API signs answers with, at the `jwksUri` of its options.
 * @param retired public JWKs it signed with before, for as long as clients may hold such answers
 * @throws TypeError when answers are not signed, or their key has no `jwksUri`
 */
export function publishAnswerKeys(
  { settings }: ResourceServer,
  retired: readonly Readonly<Record<string, unknown>>[] = [],
): PublishedMetadata {
  const answers = settings.signatures?.answers
  if (answers?.jwksUri === undefined) throw new TypeError('httpSignatures.answers.jwksUri: is not said')
  const { privateKey, kid, alg, jwksUri } = answers
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
  const keys = [{ ...jwk, kid, alg, use: 'sig' }, ...retired]
  return published(jwksUri, { keys }, 'application/jwk-set+json')
}

function published(
  url: string,
  document: Readonly<Record<string, unknown>>,
  mediaType: string,
): PublishedMetadata {
  const body = JSON.stringify(document)
  const headers: PreparedAnswer['headers'] = [
    ['content-type', mediaType],
    ['cache-control', 'public, max-age=300'],
    ['access-control-allow-origin', '*'],
    ['etag', `"${hash('sha256', body, 'base64url')}"`],
  ]
  const { pathname, search } = new URL(url)
  return {
    url,
    path: pathname + search,
    document,
    answer: method => {
      if (method === 'GET') return { status: 200, headers, body }
      if (method === 'HEAD') return { status: 200, headers, body: '' }
      return { status: 405, headers: [['allow', 'GET, HEAD']], body: '' }
    },
  }
}
