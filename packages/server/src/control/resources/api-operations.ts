import { z } from 'zod'

const words = (max: number) => z.string().trim().min(1).max(max)
const names = (max: number) => z.array(z.string().min(1).max(128)).max(max).default([])

/** Methods of RFC 9110 section 9.3 and RFC 5789 that an operation can have; CONNECT is a proxy's. */
export const operationMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const

/** Segments of letters as in a URL, and names in braces for what varies. */
const pathTemplate = /^(\/(\{[A-Za-z0-9_.-]{1,64}\}|[A-Za-z0-9._~!$&'()*+,;=:@%-])*)+$/

/** One way in: everything named here together lets a token in. */
const way = z
  .strictObject({ scopes: names(20), authorizationDetailsTypes: names(20) })
  .refine(
    ({ scopes, authorizationDetailsTypes }) => scopes.length + authorizationDetailsTypes.length > 0,
    'names neither a scope nor a type',
  )

/** 0 is what anybody may know, 4 is what a lot hangs on: as the shipped profiles `tier-0` to `tier-4`. */
const tier = z.number().int().min(0).max(4)

const operation = z
  .strictObject({
    id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/),
    method: z.enum(operationMethods),
    /** As the API sees it, with `{name}` for what varies within one segment. */
    path: z
      .string()
      .max(1024)
      .regex(pathTemplate, 'must be a path such as `/accounts/{accountId}`, without a query'),
    /** What it does, for the people who approve. */
    description: words(400),
    /** Kinds of data it reads or changes, e.g. `Account`. */
    dataTypes: names(50),
    /** Who answers for it, when that is not the owner of the API. */
    owner: words(254).optional(),
    tier,
    /** Needs no token at all. */
    public: z.boolean().default(false),
    /** Each entry alone lets a token in. */
    coveredBy: z.array(way).max(20).default([]),
  })
  .refine(
    found => found.public === (found.coveredBy.length === 0),
    'either `public` is true, or `coveredBy` says which scopes or types of details let a token in',
  )

/**
 * What the operations of an API are and what covers them. Its name is the name of the ResourceServer.
 * `holdfast govern import` writes one from an OpenAPI document.
 */
export const apiOperationsSpec = z.strictObject({
  /** Who answers for the API. */
  owner: words(254),
  operations: z.array(operation).min(1).max(2000),
})

export type ApiOperationsSpec = z.infer<typeof apiOperationsSpec>
export type ApiOperation = ApiOperationsSpec['operations'][number]
