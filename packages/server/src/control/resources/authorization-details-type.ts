import { amountOf } from '@holdfast/protocol/specs/rfc9396-rar/amount.ts'
import {
  commonMembers,
  type DetailField,
  detailLimits,
  textFormats,
} from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import { isPlain } from '@holdfast/protocol/specs/rfc9396-rar/text-format.ts'
import { z } from 'zod'

const words = (max: number) =>
  z
    .string()
    .max(max)
    .refine(isPlain, 'must be plain text without controls, invisible characters or outer spaces')
const whole = z.number().int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER)
const named = {
  name: z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/),
  /** Stands before the value on the consent page. */
  label: words(60),
  required: z.boolean().default(false),
}
const format = z.enum(textFormats).default('plain')
const lengthMax = z.number().int().min(1).max(detailLimits.textMax).default(140)
const ordered = z.enum(['same', 'at-most', 'at-least']).default('same')
const choices = z
  .array(z.strictObject({ value: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/), words: words(80) }))
  .max(50)
  .refine(list => areDistinct(list.map(({ value }) => value)), 'has a value twice')

/** Fields inside fields inside fields; deeper is unreadable on a consent page. */
const objectDepthMax = 2

const leaves = [
  z
    .strictObject({ ...named, kind: z.literal('text'), format, lengthMax, narrowing: ordered })
    .refine(
      field => field.narrowing === 'same' || field.format === 'date',
      'only a date has an order: `narrowing` of other text is `same`',
    ),
  z
    .strictObject({ ...named, kind: z.literal('integer'), least: whole, most: whole, narrowing: ordered })
    .refine(({ least, most }) => least <= most, '`least` is above `most`'),
  z.strictObject({
    ...named,
    kind: z.literal('amount'),
    currencies: z
      .array(z.string().regex(/^[A-Z]{3}$/))
      .min(1)
      .max(20),
    most: z.string().refine(text => amountOf(text) !== undefined, 'must be a decimal above zero, in quotes'),
    narrowing: z.enum(['same', 'at-most']).default('same'),
  }),
  z.strictObject({ ...named, kind: z.literal('boolean') }),
  z.strictObject({ ...named, kind: z.literal('choice'), choices: choices.min(1) }),
  z.strictObject({
    ...named,
    kind: z.literal('list'),
    /** What an item may be; without any, items are text. */
    choices: choices.default([]),
    format,
    lengthMax,
    itemsMax: z.number().int().min(1).max(detailLimits.itemsMax).default(10),
    narrowing: z.enum(['same', 'subset']).default('same'),
  }),
] as const

function fieldsOf(depth: number): z.ZodType<readonly DetailField[]> {
  const nested = z.strictObject({
    ...named,
    kind: z.literal('object'),
    fields: z.lazy(() => fieldsOf(depth + 1)),
  })
  const field =
    depth < objectDepthMax
      ? z.discriminatedUnion('kind', [...leaves, nested])
      : z.discriminatedUnion('kind', [...leaves])
  return z
    .array(field)
    .min(1)
    .max(30)
    .refine(list => areDistinct(list.map(({ name }) => name)), 'has a name twice')
}

export const authorizationDetailsTypeSpec = z.strictObject({
  /** Name of the resource server that the type belongs to: only its tokens carry such details. */
  resourceServer: z.string(),
  /** Short plain words for the consent page. */
  title: words(80),
  description: words(400),
  /** In the order in which people read them. */
  fields: fieldsOf(0).refine(
    list => list.every(({ name }) => !commonMembers.includes(name)),
    `cannot have one of the names that every type has: ${commonMembers.join(', ')}`,
  ),
  /** Asking for such details tightens the whole request to this profile. */
  profile: z.string().optional(),
})

export type AuthorizationDetailsTypeSpec = z.infer<typeof authorizationDetailsTypeSpec>

function areDistinct(names: readonly string[]): boolean {
  return new Set(names).size === names.length
}
