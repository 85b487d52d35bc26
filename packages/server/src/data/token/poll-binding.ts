import type { ProvenSender } from '@holdfast/protocol/specs/rfc6749-token/rules.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { Binding } from '../../store/records.ts'

/** What a client that polls proved, as what it polls with keeps it; undefined when it proved nothing that binds. */
export function pollBindingOf({ jkt, x5tS256 }: ProvenSender, client: Client): string | undefined {
  if (jkt !== undefined) return `jkt:${jkt}`
  return x5tS256 !== undefined && client.tlsClientCertificateBoundAccessTokens ? `x5t:${x5tS256}` : undefined
}

export function bindingOfPoll(binding: string | undefined): Binding {
  if (binding === undefined) return {}
  const value = binding.slice('jkt:'.length)
  return binding.startsWith('jkt:') ? { jkt: value } : { x5tS256: value }
}
