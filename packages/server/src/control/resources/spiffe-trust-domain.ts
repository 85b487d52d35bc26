import { isTrustDomain } from '@holdfast/protocol/specs/spiffe-jwt-svid/spiffe-id.ts'
import { z } from 'zod'

/** A SPIFFE trust domain whose workloads may be clients here, and where its keys are. */
export const spiffeTrustDomainSpec = z
  .strictObject({
    /** Its name: what stands between `spiffe://` and the path in the IDs of its workloads. */
    trustDomain: z.string().refine(isTrustDomain, 'must be the name of a trust domain, e.g. `prod.example`'),
    /** Where its SPIFFE bundle is fetched, over Web PKI. */
    bundleEndpoint: z.string().max(2048).refine(isHttps, 'must be an https URL').optional(),
    /** Its SPIFFE bundle itself, when there is no endpoint: to be applied again whenever its keys change. */
    bundle: z
      .strictObject({
        keys: z.array(z.record(z.string(), z.unknown())).min(1).max(20),
        spiffe_sequence: z.number().int().min(0).optional(),
        spiffe_refresh_hint: z.number().int().min(0).optional(),
      })
      .optional(),
  })
  .refine(
    ({ bundle, bundleEndpoint }) => (bundle === undefined) !== (bundleEndpoint === undefined),
    'needs `bundle` or `bundleEndpoint`, and not both',
  )

export type SpiffeTrustDomainSpec = z.infer<typeof spiffeTrustDomainSpec>

function isHttps(url: string): boolean {
  return URL.canParse(url) && url.startsWith('https://') && new URL(url).username === ''
}
