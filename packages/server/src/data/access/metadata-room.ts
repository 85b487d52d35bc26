import { authzenMetadata } from '@holdfast/policy'
import { type PublishedKeys, prepared } from '../../keys/published.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { documentReply } from '../render/document.ts'
import { jsonReply } from '../render/json.ts'
import type { Room } from '../room.ts'

const documents = new WeakMap<IssuerSnapshot, PublishedKeys>()

/** What the decision point says about itself (AuthZEN section 9); 404 where there is none. */
export const authzenMetadataRoom: Room = async exchange => {
  const { issuer } = exchange
  if (issuer.decisionPoint === undefined) return jsonReply(404, 'there is no decision point here')
  const document = documents.get(issuer) ?? prepared(JSON.stringify(authzenMetadata(issuer.url)))
  documents.set(issuer, document)
  return documentReply(exchange, document)
}
