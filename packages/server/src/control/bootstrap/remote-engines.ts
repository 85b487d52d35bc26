import { engineNamePattern } from '@holdfast/policy'
import { z } from 'zod'
import type { EngineKindName } from '../../remote-engines/kinds/index.ts'
import {
  halfIdentity,
  isKnownThere,
  isWholeIdentity,
  type ReachChoice,
  reachOf,
  reachShape,
  unknownThere,
} from './reach.ts'

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
    ...reachShape,
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
  .refine(isWholeIdentity, halfIdentity)
  .refine(
    ({ oauth, bearerFile, certificateFile }) =>
      oauth === undefined || (bearerFile === undefined && certificateFile !== undefined),
    '`oauth` needs `certificateFile`, and no `bearerFile`',
  )
  .refine(isKnownThere, unknownThere)

/** Engines elsewhere that policies may ask. */
export const remoteEnginesSchema = z
  .array(engine)
  .max(20)
  .default([])
  .refine(list => new Set(list.map(({ name }) => name)).size === list.length, 'a name stands twice')

/** With absolute paths. */
export interface RemoteEngineChoice extends ReachChoice {
  readonly name: string
  readonly kind: EngineKindName
  readonly url: string
  readonly oauth:
    | { readonly tokenEndpoint: string; readonly clientId: string; readonly scope: string }
    | undefined
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
  return file.map(one => {
    const { name, kind, url, oauth, deadlineMs, failuresMax, pauseMs, tellsSubject, ignores } = one
    const bounds = { deadlineMs, failuresMax, pauseMs }
    return { name, kind, url, oauth, ...bounds, tellsSubject, ignores, ...reachOf(one, base) }
  })
}

function isEngineUrl(text: string): boolean {
  if (!URL.canParse(text) || /[?#\s]/.test(text)) return false
  const { protocol, username, password } = new URL(text)
  return protocol === 'https:' && username === '' && password === ''
}
