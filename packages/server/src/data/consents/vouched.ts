import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'

/**
 * Who says that a client is what it says. Only what people checked and approved here is verified: then it says who
 * answers for the client in law. Else the operators only wrote it down, somebody signed for it, or nobody did.
 */
export type VouchedBy =
  | { readonly by: 'onboarding'; readonly legalName: string }
  | { readonly by: 'operator' | 'statement' | 'nobody' }

export function vouchedBy(
  { clientId, legalName }: Pick<Client, 'clientId' | 'legalName'>,
  { registered }: Pick<IssuerSnapshot, 'registered'>,
): VouchedBy {
  if (legalName !== undefined) return { by: 'onboarding', legalName }
  const itself = registered.get(clientId)
  if (itself === undefined) return { by: 'operator' }
  return { by: itself.softwareStatement === undefined ? 'nobody' : 'statement' }
}
