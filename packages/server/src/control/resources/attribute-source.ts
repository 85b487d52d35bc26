import { isClaimName } from '@holdfast/policy'
import { z } from 'zod'

/** Attributes of one source. */
const attributesMax = 32
/** Subjects or clients in a table. */
const entriesMax = 5000

/** Never a claim that binds or addresses a token. */
const claimName = z.string().refine(isClaimName, 'is not a name for an attribute')

const told = {
  type: z.enum(['string', 'integer', 'boolean', 'strings']),
  /** Without it no token is made. */
  required: z.boolean().default(false),
}
const named = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z
    .record(claimName, z.strictObject({ ...shape, ...told }))
    .refine(found => Object.keys(found).length > 0, 'names no attribute')
    .refine(
      found => Object.keys(found).length <= attributesMax,
      `names more than ${attributesMax} attributes`,
    )

/** By what it knows somebody: our subject, the username, or the client itself. */
const keyedBy = z.enum(['subject', 'username', 'client'])
/** Whether policies are told its attributes: before every token, and before a user is asked where policies read them there. */
const policies = z.boolean().default(false)

/** How sources that take time are asked, and what becomes of a token when they fail. */
const asked = {
  deadlineMs: z.number().int().min(1).max(2000).default(500),
  cacheSeconds: z.number().int().min(0).max(900).default(60),
  /** How long it is remembered that the source knows nobody of that name. */
  unknownCacheSeconds: z.number().int().min(0).max(60).default(5),
  onFailure: z.enum(['deny', 'omit']).default('deny'),
}
const connection = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/)

const tableValue = z.union([
  z.string().max(1024),
  z.number().int(),
  z.boolean(),
  z.array(z.string().max(256)).max(64),
])

const fromTable = z.strictObject({
  source: z.literal('static'),
  ...{ keyedBy, policies, attributes: named({}) },
  /** Attributes by subject, username or client id. */
  entries: z
    .record(z.string().max(256), z.record(z.string().max(128), tableValue))
    .refine(found => Object.keys(found).length <= entriesMax, `has more than ${entriesMax} entries`),
})

const fromDirectory = z.strictObject({
  source: z.literal('directory'),
  keyedBy: z.enum(['subject', 'username']),
  ...{ policies, ...asked },
  /** `claim` of the user's document. */
  attributes: named({ claim: z.string().min(1).max(64) }),
})

const fromHttp = z.strictObject({
  source: z.literal('http'),
  ...{ keyedBy, policies, ...asked, connection },
  /** With `{key}` once: where the key stands, encoded. Without it the key is posted as `{"key": …}`. */
  path: z
    .string()
    .max(1024)
    .regex(/^\/[\x21-\x7E]*$/, 'must begin with a slash and hold no spaces')
    .refine(isPathTemplate, 'must be in canonical form, with `{key}` at most once and no fragment'),
  /** `at`: a JSON pointer into the answer (RFC 6901). */
  attributes: named({
    at: z
      .string()
      .max(256)
      .regex(/^(\/([^~/]|~[01])*)+$/, 'must be a JSON pointer'),
  }),
})

const fromSql = z.strictObject({
  source: z.literal('sql'),
  ...{ keyedBy, policies, ...asked, connection },
  /** One `select` with the key as `$1`; it gives one row, or none. */
  query: z
    .string()
    .max(4096)
    .regex(/^\s*(select|with)\b/i, 'must be a `select`')
    .refine(text => !text.includes(';'), 'is one statement, without a semicolon')
    .refine(text => /\$1(?!\d)/.test(text), 'needs the key, `$1`')
    .refine(text => !/--|\/\*/.test(text), 'holds no comments'),
  attributes: named({ column: z.string().min(1).max(63) }),
})

/** Of a directory (RFC 4512 section 1.4), without options. */
const descriptor = z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'must be the name of an attribute')

const fromLdap = z.strictObject({
  source: z.literal('ldap'),
  ...{ keyedBy, policies, ...asked, connection },
  /** Searched with everything below it. */
  base: z.string().min(1).max(512),
  /** The attribute that the key is a value of; it gives one entry, or none. */
  match: descriptor,
  objectClass: descriptor.default('person'),
  attributes: named({ attribute: descriptor }),
})

/** Who tells more about a user or a client than a grant does, for tokens and for policies. */
export const attributeSourceSpec = z
  .discriminatedUnion('source', [fromTable, fromDirectory, fromHttp, fromSql, fromLdap])
  .refine(
    spec => !spec.policies || !('onFailure' in spec) || spec.onFailure === 'deny',
    'what policies are told is never omitted: `onFailure` is `deny`',
  )
  .refine(
    spec =>
      !('onFailure' in spec) ||
      spec.onFailure === 'deny' ||
      Object.values(spec.attributes).every(({ required }) => !required),
    'what is required is never omitted: `onFailure` is `deny`',
  )

export type AttributeSourceSpec = z.infer<typeof attributeSourceSpec>

/** What a URL makes of it must be what stands there, or a key could lead elsewhere. */
function isPathTemplate(text: string): boolean {
  if (text.includes('#') || text.split('{key}').length > 2) return false
  const plain = text.replace('{key}', 'key')
  const url = new URL(plain, 'https://host.example')
  return url.origin === 'https://host.example' && url.pathname + url.search === plain
}
