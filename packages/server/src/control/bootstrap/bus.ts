import { resolve } from 'node:path'
import { z } from 'zod'

const loopback = /^nats:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/
const overTls = /^tls:\/\/[^/?#@\s]+$/

const server = z
  .string()
  .max(512)
  .refine(
    url => overTls.test(url) || loopback.test(url),
    'must be `tls://host:port`; `nats://` on loopback only',
  )

/** A bus between the nodes of one store. */
export const busSchema = z
  .strictObject({
    nats: z.strictObject({
      servers: z
        .array(server)
        .min(1)
        .max(20)
        .refine(list => new Set(list.map(one => one.slice(0, 4))).size === 1, 'are all `tls://` or none'),
      /** First part of the subjects: one for each installation that shares the servers. */
      subject: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}$/)
        .default('holdfast'),
      credentialsFile: z.string().min(1).optional(),
      caFile: z.string().min(1).optional(),
    }),
  })
  .optional()

/** With absolute paths. */
export interface BusChoice {
  readonly servers: readonly string[]
  readonly subject: string
  readonly credentialsFile: string | undefined
  readonly caFile: string | undefined
}

export function busOf(file: z.infer<typeof busSchema>, base: string): BusChoice | undefined {
  if (file === undefined) return undefined
  const { servers, subject, credentialsFile, caFile } = file.nats
  const at = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(base, path)
  return { servers, subject, credentialsFile: at(credentialsFile), caFile: at(caFile) }
}
