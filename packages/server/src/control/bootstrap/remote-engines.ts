import { resolve } from 'node:path'
import { engineNamePattern } from '@holdfast/policy'
import { z } from 'zod'
import { isNetwork } from '../../outbound/addresses.ts'
import type { EngineKindName } from '../../remote-engines/kinds/index.ts'

/** Longest an engine may take: what a decision may take altogether. */
const deadlineMsMax = 250

const engineUrl = z
  .string()
  .max(2048)
  .refine(isEngineUrl, 'must be an https URL without query, fragment and userinfo')

const engine = z
  .strictObject({
    /** As policies name it: `@ask("fraud")`. */
    name: z.string().regex(engineNamePattern),
    kind: z.enum(['authzen', 'opa']),
    /** Of the evaluation endpoint, or of OPA's document. */
    url: engineUrl,
    /** A file with a bearer token; read for every question. */
    bearerFile: z.string().min(1).optional(),
    /** Tokens for the engine by client credentials; the client authenticates with the certificate. */
    oauth: z
      .strictObject({
        tokenEndpoint: engineUrl,
        clientId: z.string().regex(/^[\x21-\x7E]{1,255}$/),
        scope: z
          .string()
          .regex(/^[\x20-\x7E]{1,256}$/)
          .default('access_evaluation'),
      })
      .optional(),
    /** What we show the engine of ourselves in TLS: both or neither. */
    certificateFile: z.string().min(1).optional(),
    privateKeyFile: z.string().min(1).optional(),
    /** Authorities besides those of the platform. */
    caFile: z.string().min(1).optional(),
    /** Where the engine may be, although it is not public. */
    networks: z
      .array(z.string().refine(isNetwork, 'must be a prefix like `10.3.0.0/16`'))
      .max(20)
      .default([]),
    deadlineMs: z.number().int().min(1).max(deadlineMsMax).default(200),
    /** Failures in a row after which it is left alone. */
    failuresMax: z.number().int().min(1).max(100).default(5),
    /** How long, before one question goes through again. */
    pauseMs: z.number().int().min(100).max(60_000).default(2000),
    /** Whether it is told the subject of the user. */
    tellsSubject: z.boolean().default(false),
    /** Members of its answer's context that oblige nobody. */
    ignores: z
      .array(z.string().regex(/^[\x21-\x7E]{1,64}$/))
      .max(20)
      .default([])
      .refine(names => !names.includes('obligations'), 'obligations are never ignored'),
  })
  .refine(
    ({ certificateFile, privateKeyFile }) =>
      (certificateFile === undefined) === (privateKeyFile === undefined),
    '`certificateFile` and `privateKeyFile` come together',
  )
  .refine(
    ({ oauth, bearerFile, certificateFile }) =>
      oauth === undefined || (bearerFile === undefined && certificateFile !== undefined),
    '`oauth` needs `certificateFile`, and no `bearerFile`',
  )
  .refine(
    ({ bearerFile, certificateFile }) => bearerFile !== undefined || certificateFile !== undefined,
    'needs `bearerFile`, or `certificateFile` and `privateKeyFile`: an engine must know who asks',
  )

/** Engines elsewhere that policies may ask. */
export const remoteEnginesSchema = z
  .array(engine)
  .max(20)
  .default([])
  .refine(list => new Set(list.map(({ name }) => name)).size === list.length, 'a name stands twice')

/** With absolute paths. */
export interface RemoteEngineChoice {
  readonly name: string
  readonly kind: EngineKindName
  readonly url: string
  readonly bearerFile: string | undefined
  readonly oauth:
    | { readonly tokenEndpoint: string; readonly clientId: string; readonly scope: string }
    | undefined
  readonly identityFiles: { readonly certificate: string; readonly privateKey: string } | undefined
  readonly caFile: string | undefined
  readonly networks: readonly string[]
  readonly deadlineMs: number
  readonly failuresMax: number
  readonly pauseMs: number
  readonly tellsSubject: boolean
  readonly ignores: readonly string[]
}

export function remoteEnginesOf(
  file: z.infer<typeof remoteEnginesSchema>,
  base: string,
): readonly RemoteEngineChoice[] {
  const at = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(base, path)
  return file.map(({ bearerFile, oauth, certificateFile, privateKeyFile, caFile, ...plain }) => ({
    ...plain,
    bearerFile: at(bearerFile),
    oauth,
    identityFiles:
      certificateFile === undefined || privateKeyFile === undefined
        ? undefined
        : { certificate: resolve(base, certificateFile), privateKey: resolve(base, privateKeyFile) },
    caFile: at(caFile),
  }))
}

function isEngineUrl(text: string): boolean {
  if (!URL.canParse(text) || /[?#\s]/.test(text)) return false
  const { protocol, username, password } = new URL(text)
  return protocol === 'https:' && username === '' && password === ''
}
