import type { ProvenSender } from '@holdfast/protocol/specs/rfc6749-token/rules.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { Binding } from '../../store/records.ts'

/**
 * What a client that polls proved, as what it polls with keeps it; undefined when it proved nothing that binds.
 * @param kept what was kept before: it is the answer again whenever it was proven again, whatever else was
 */
export function pollBindingOf(
  { jkt, x5tS256, instanceJkt }: ProvenSender,
  client: Client,
  kept?: string,
): string | undefined {
  // An instance comes before a certificate, which all instances of a client may share.
  const proven = [
    ...(jkt === undefined ? [] : [`jkt:${jkt}`]),
    ...(instanceJkt === undefined ? [] : [`ins:${instanceJkt}`]),
    ...(x5tS256 !== undefined && client.tlsClientCertificateBoundAccessTokens ? [`x5t:${x5tS256}`] : []),
  ]
  return kept !== undefined && proven.includes(kept) ? kept : proven[0]
}

export function bindingOfPoll(binding: string | undefined): Binding {
  if (binding === undefined) return {}
  const value = binding.slice('jkt:'.length)
  if (binding.startsWith('jkt:')) return { jkt: value }
  return binding.startsWith('ins:') ? { instanceJkt: value } : { x5tS256: value }
}
