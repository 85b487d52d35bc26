import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'

/** Who says that a client is what it says: this server's operators, whoever signed for it, or nobody. */
export type VouchedBy = 'operator' | 'statement' | 'nobody'

export function vouchedBy({ clientId }: Client, { registered }: IssuerSnapshot): VouchedBy {
  const itself = registered.get(clientId)
  if (itself === undefined) return 'operator'
  return itself.softwareStatement === undefined ? 'nobody' : 'statement'
}
