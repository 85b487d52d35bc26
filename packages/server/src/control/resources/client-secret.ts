import { z } from 'zod'

const seconds = z.number().int().min(0).max(4_294_967_295)

/**
 * What is kept of the secrets of the client of the same name. Made by `holdfast clients secret rotate`; a document
 * of its own, so that applying a Client again never touches its secrets.
 */
export const clientSecretSpec = z.strictObject({
  /** The newest first; none for a registered client that was deleted. */
  secrets: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
        /** Salt and HMAC-SHA-256. */
        mac: z.string().regex(/^hmac-sha256:[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]{43}$/),
        /** The secret itself, sealed, for a client that signs with it (`client_secret_jwt`). */
        sealed: z
          .string()
          .regex(/^[A-Za-z0-9_-]{40,512}$/)
          .optional(),
        createdAt: seconds,
        /** Absent: never. */
        expiresAt: seconds.optional(),
      }),
    )
    .max(2),
})

export type ClientSecretSpec = z.infer<typeof clientSecretSpec>
