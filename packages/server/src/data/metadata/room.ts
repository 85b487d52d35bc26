import assert from 'node:assert/strict'
import { firstRefusal, type JwsAlg } from '@holdfast/protocol'
import { discoveryRules } from '@holdfast/protocol/specs/oidc-discovery/rules.ts'
import { metadataRules } from '@holdfast/protocol/specs/rfc8414-metadata/rules.ts'
import { type PublishedKeys, prepared } from '../../keys/published.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { documentReply } from '../render/document.ts'
import type { Room } from '../room.ts'
import { metadataDocument } from './document.ts'

interface Entry {
  readonly algs: readonly JwsAlg[]
  readonly document: PublishedKeys
}

/** Prepared bytes per compiled issuer; a new snapshot, or a key of a new algorithm, prepares them again. */
const entries = new WeakMap<IssuerSnapshot, Entry>()

/** MD-02: OpenID Connect Discovery 1.0. */
export const openidConfigurationRoom: Room = async (exchange, ports) =>
  documentReply(exchange, documentOf(exchange.issuer, ports.keys.algs(exchange.issuer.url)))

/** MD-01: RFC 8414. The same document: two that differ would be two truths. */
export const authorizationServerMetadataRoom: Room = openidConfigurationRoom

function documentOf(issuer: IssuerSnapshot, algs: readonly JwsAlg[]): PublishedKeys {
  const found = entries.get(issuer)
  if (found !== undefined && found.algs === algs) return found.document
  const document = metadataDocument(issuer, algs)
  const input = { issuer: issuer.url, document }
  const refusal = firstRefusal(metadataRules, input) ?? firstRefusal(discoveryRules, input)
  assert.equal(refusal, undefined, refusal?.reason)
  const entry = { algs, document: prepared(JSON.stringify(document)) }
  entries.set(issuer, entry)
  return entry.document
}
