import type { Attributes } from '@holdfast/policy'
import { accept, type Outcome } from '@holdfast/protocol'
import type { Ports } from '../../ports.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { type AskedAbout, answersOf, judgeAnswers } from './answers.ts'

/**
 * What policies may read before a client may act for a user (decision 0088). Only sources for policies are asked, and
 * none where no policy of that moment reads attributes. Undefined: nobody was asked.
 */
export async function attributesForAuthorize(
  about: AskedAbout & { readonly subject: string },
  issuer: IssuerSnapshot,
  ports: Pick<Ports, 'attributeSources' | 'store'>,
): Promise<Outcome<Attributes | undefined>> {
  const { policies, attributeSources } = issuer
  const isRead = policies.readsAttributesAtAuthorize
  if (attributeSources.size === 0 || !(isRead || policies.shadow?.readsAttributesAtAuthorize)) return nothing
  const sources = [...attributeSources.values()].filter(({ isForPolicies }) => isForPolicies)
  if (sources.length === 0) return nothing
  const told = judgeAnswers(await answersOf(about, sources, issuer, ports), [])
  if (told.ok) return accept(told.value.forPolicies)
  // A version in the shadow refuses nobody, and what only it wanted to know does not either.
  return isRead ? told : nothing
}

const nothing = accept<Attributes | undefined>(undefined)
