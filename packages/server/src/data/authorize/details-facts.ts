import { createHash } from 'node:crypto'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import { canonicalDetail } from '@holdfast/protocol/specs/rfc9396-rar/within.ts'
import type { AuditRecord } from '../../store/records.ts'

/** What the audit keeps of details: their types, and a digest of each entry; accounts and names stay out of it (I29). */
export function detailsFacts(details: readonly AuthorizationDetail[] = []): AuditRecord['facts'] {
  if (details.length === 0) return {}
  return {
    authorization_details_types: [...new Set(details.map(({ type }) => type))],
    authorization_details_refs: details.map(detail =>
      createHash('sha256').update(canonicalDetail(detail)).digest('base64url'),
    ),
  }
}
