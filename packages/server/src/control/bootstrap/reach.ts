import { resolve } from 'node:path'
import { z } from 'zod'
import { isNetwork } from '../../outbound/addresses.ts'

/** How a service of the operator's own is reached, and how it knows us. */
export const reachShape = {
  /** A file with a bearer token; read for every question. */
  bearerFile: z.string().min(1).optional(),
  /** What we show of ourselves in TLS: both or neither. */
  certificateFile: z.string().min(1).optional(),
  privateKeyFile: z.string().min(1).optional(),
  /** Authorities besides those of the platform. */
  caFile: z.string().min(1).optional(),
  /** Where it may be, although it is not public. */
  networks: z.array(z.string().refine(isNetwork, 'must be a prefix like `10.3.0.0/16`')).max(20).default([]),
}

type ReachFile = z.infer<z.ZodObject<typeof reachShape>>

export function isWholeIdentity({ certificateFile, privateKeyFile }: ReachFile): boolean {
  return (certificateFile === undefined) === (privateKeyFile === undefined)
}
export const halfIdentity = '`certificateFile` and `privateKeyFile` come together'

export function isKnownThere({ bearerFile, certificateFile }: ReachFile): boolean {
  return bearerFile !== undefined || certificateFile !== undefined
}
export const unknownThere =
  'needs `bearerFile`, or `certificateFile` and `privateKeyFile`: it must know who asks'

/** With absolute paths. */
export interface ReachChoice {
  readonly bearerFile: string | undefined
  readonly identityFiles: { readonly certificate: string; readonly privateKey: string } | undefined
  readonly caFile: string | undefined
  readonly networks: readonly string[]
}

export function reachOf(
  { bearerFile, certificateFile, privateKeyFile, caFile, networks }: ReachFile,
  base: string,
): ReachChoice {
  const at = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(base, path)
  return {
    bearerFile: at(bearerFile),
    identityFiles:
      certificateFile === undefined || privateKeyFile === undefined
        ? undefined
        : { certificate: resolve(base, certificateFile), privateKey: resolve(base, privateKeyFile) },
    ...{ caFile: at(caFile), networks },
  }
}
