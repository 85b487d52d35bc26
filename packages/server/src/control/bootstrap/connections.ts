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

/** Names of the issuers whose attribute sources may name it; every one when absent. */
const serves = { issuers: z.array(z.string().min(1)).min(1).max(50).optional() }

const http = z
  .strictObject({
    ...{ name, kind: z.literal('http'), ...serves },
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
  ...{ name, kind: z.literal('postgres'), ...serves },
  /** A file that holds the URL of the database, with a role that can only read. */
  urlFile: z.string().min(1),
})

const ldap = z.strictObject({
  ...{ name, kind: z.literal('ldap'), ...serves },
  url: z
    .string()
    .max(512)
    .regex(/^ldaps:\/\/[^\s/?#@]+$/, 'must be `ldaps://host:port`'),
  /** Of an entry that may read what sources ask for, and nothing else. */
  bindDn: z.string().min(1).max(512),
  passwordFile: z.string().min(1),
  /** Authorities instead of those of the platform. */
  caFile: z.string().min(1).optional(),
})

/** What attribute sources may name. */
export const connectionsSchema = z
  .array(z.discriminatedUnion('kind', [http, postgres, ldap]))
  .max(20)
  .default([])
  .refine(list => new Set(list.map(one => one.name)).size === list.length, 'a name stands twice')

/** With absolute paths. */
export type ConnectionChoice =
  | ({ readonly kind: 'http'; readonly name: string; readonly url: string } & ReachChoice)
  | { readonly kind: 'postgres'; readonly name: string; readonly urlFile: string }
  | {
      readonly kind: 'ldap'
      readonly name: string
      readonly url: string
      readonly bindDn: string
      readonly passwordFile: string
      readonly caFile: string | undefined
    }

export function connectionsOf(
  file: z.infer<typeof connectionsSchema>,
  base: string,
): readonly ConnectionChoice[] {
  return file.map(({ issuers: _served, ...one }) => {
    if (one.kind === 'postgres') return { ...one, urlFile: resolve(base, one.urlFile) }
    if (one.kind === 'http') return { kind: one.kind, name: one.name, url: one.url, ...reachOf(one, base) }
    const caFile = one.caFile === undefined ? undefined : resolve(base, one.caFile)
    return { ...one, passwordFile: resolve(base, one.passwordFile), caFile }
  })
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, origin, username, password } = new URL(text)
  return protocol === 'https:' && origin === text && username === '' && password === ''
}
