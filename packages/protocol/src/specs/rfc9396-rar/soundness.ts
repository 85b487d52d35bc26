import type { DetailField, DetailType } from './detail-type.ts'
import { canonicalDetail } from './within.ts'

/**
 * All of a type that decides which entries it finds good, and which is no more than another; words for people and their
 * order do not. Where two types have the same text here, nothing that one allows is refused by the other.
 */
export function soundnessOf({ audience, fields }: DetailType): string {
  return canonicalDetail([audience, judgedFields(fields)])
}

type Json = Parameters<typeof canonicalDetail>[0]

function judgedFields(fields: readonly DetailField[]): Json {
  return fields
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map((field): Json => {
      // Whatever else a field has counts: a member that judges read must not be forgotten here.
      const { label: _label, ...judged } = field
      switch (judged.kind) {
        case 'object':
          return { ...judged, fields: judgedFields(judged.fields) }
        case 'choice':
        case 'list':
          return { ...judged, choices: judged.choices.map(({ value }) => value).toSorted() }
        case 'text':
        case 'integer':
        case 'amount':
        case 'boolean':
          return judged
        default:
          return judged satisfies never
      }
    })
}
