import { resolve } from 'node:path'
import { z } from 'zod'
import {
  halfIdentity,
  isKnownThere,
  isWholeIdentity,
  type ReachChoice,
  reachOf,
  reachShape,
  unknownThere,
} from './reach.ts'

const name = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/)

const http = z
  .strictObject({
    ...{ name, kind: z.literal('http') },
    /** Scheme, host and port; the path stands in the document. */
    url: z
      .string()
      .max(512)
      .refine(isOrigin, 'must be an https origin without path, query, fragment and userinfo'),
    ...reachShape,
  })
  .refine(isWholeIdentity, halfIdentity)
  .refine(isKnownThere, unknownThere)

const postgres = z.strictObject({
  ...{ name, kind: z.literal('postgres') },
  /** A file that holds the URL of the database, with a role that can only read. */
  urlFile: z.string().min(1),
})

/** What attribute sources may name. */
export const connectionsSchema = z
  .array(z.discriminatedUnion('kind', [http, postgres]))
  .max(20)
  .default([])
  .refine(list => new Set(list.map(one => one.name)).size === list.length, 'a name stands twice')

/** With absolute paths. */
export type ConnectionChoice =
  | ({ readonly kind: 'http'; readonly name: string; readonly url: string } & ReachChoice)
  | { readonly kind: 'postgres'; readonly name: string; readonly urlFile: string }

export function connectionsOf(
  file: z.infer<typeof connectionsSchema>,
  base: string,
): readonly ConnectionChoice[] {
  return file.map(one =>
    one.kind === 'http'
      ? { kind: one.kind, name: one.name, url: one.url, ...reachOf(one, base) }
      : { ...one, urlFile: resolve(base, one.urlFile) },
  )
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, origin, username, password } = new URL(text)
  return protocol === 'https:' && origin === text && username === '' && password === ''
}
