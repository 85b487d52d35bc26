import type { Refusal } from '../../refusal.ts'
import { firstRefusal } from '../../rule.ts'
import type { ClientMetadataInput } from './metadata.ts'
import { clientMetadataRules } from './rules.ts'

/** The first rule that the metadata of a client breaks; `facts.field` names the member. */
export function judgeClientMetadata(input: ClientMetadataInput): Refusal | undefined {
  return firstRefusal(clientMetadataRules, input)
}

/** Every rule that the metadata breaks, for those who edit documents and want to mend all at once. */
export function allMetadataRefusals(input: ClientMetadataInput): readonly Refusal[] {
  return clientMetadataRules.flatMap(rule => firstRefusal([rule], input) ?? [])
}
