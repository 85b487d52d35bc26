import { resolve } from 'node:path'
import { z } from 'zod'

const software = z.strictObject({ kind: z.literal('software') })

const pkcs11 = z.strictObject({
  kind: z.literal('pkcs11'),
  /** Shared library of the device's maker. */
  modulePath: z.string().min(1),
  tokenLabel: z.string().min(1).max(32),
  pinFile: z.string().min(1),
  /** `pkcs11-tool` of OpenSC, by name or path. */
  tool: z.string().min(1).default('pkcs11-tool'),
  /** What the library wants in its environment. */
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
  /** How many processes may use the token at once. */
  processesMax: z.number().int().min(1).max(16).default(1),
})

const awsKms = z.strictObject({
  kind: z.literal('aws-kms'),
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/),
  /** Another one than the public endpoint of the region. */
  endpoint: z
    .string()
    .regex(/^https:\/\/[^/?#@]+$/, 'must be https, without path')
    .optional(),
  accessKeyIdFile: z.string().min(1),
  secretAccessKeyFile: z.string().min(1),
  sessionTokenFile: z.string().min(1).optional(),
})

/** Where signing keys lie. */
export const custodySchema = z
  .discriminatedUnion('kind', [software, pkcs11, awsKms])
  .prefault({ kind: 'software' })

type CustodyFile = z.infer<typeof custodySchema>

/** With absolute paths and every default. */
export type CustodyChoice =
  | { readonly kind: 'software' }
  | {
      readonly kind: 'pkcs11'
      readonly modulePath: string
      readonly tokenLabel: string
      readonly pinFile: string
      readonly tool: string
      readonly environment: Readonly<Record<string, string>>
      readonly processesMax: number
    }
  | {
      readonly kind: 'aws-kms'
      readonly region: string
      readonly endpoint: string
      readonly accessKeyIdFile: string
      readonly secretAccessKeyFile: string
      readonly sessionTokenFile: string | undefined
    }

export function custodyOf(file: CustodyFile, base: string): CustodyChoice {
  switch (file.kind) {
    case 'software':
      return file
    case 'pkcs11': {
      const { modulePath, pinFile, tool } = file
      const paths = { modulePath: resolve(base, modulePath), pinFile: resolve(base, pinFile) }
      // A mere name is looked for in PATH.
      return { ...file, ...paths, tool: tool.includes('/') ? resolve(base, tool) : tool }
    }
    case 'aws-kms': {
      const { kind, region, endpoint = `https://kms.${region}.amazonaws.com`, sessionTokenFile } = file
      return {
        ...{ kind, region, endpoint },
        accessKeyIdFile: resolve(base, file.accessKeyIdFile),
        secretAccessKeyFile: resolve(base, file.secretAccessKeyFile),
        sessionTokenFile: sessionTokenFile === undefined ? undefined : resolve(base, sessionTokenFile),
      }
    }
    default:
      return file satisfies never
  }
}
