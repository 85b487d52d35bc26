import { z } from 'zod'
import { pageBody } from '../page.ts'
import { personName } from '../person.ts'

/** Bodies of the admin socket that are about onboarding. */

const issuer = z.string().max(2048).optional()
const record = z.string().min(1).max(128)
/** Two years: who is needed longer is looked at again. */
const onboardingDaysMax = 732
const words = z.string().trim().min(1).max(400)

export const draftOnboardingBody = z.strictObject({
  as: personName,
  issuer,
  form: z.record(z.string().max(64), z.unknown()),
  days: z.number().int().min(1).max(onboardingDaysMax),
})

export const changeOnboardingBody = z.strictObject({
  step: z.enum([
    ...['submit', 'approve', 'certify', 'activate', 'review', 'rotate-key'],
    ...['approve-key', 'suspend', 'resume', 'retire', 'remove'],
  ] as const),
  as: personName,
  record,
  issuer,
  reason: words.optional(),
  certification: z
    .strictObject({ against: words, evidence: words, days: z.number().int().min(1).max(onboardingDaysMax) })
    .optional(),
  rotation: z
    .strictObject({
      jwk: z.record(z.string().max(64), z.unknown()),
      replaces: z.array(z.string().max(64)).max(20).optional(),
      overlapDays: z.number().int().min(0).max(90).optional(),
    })
    .optional(),
  thumbprint: z.string().max(64).optional(),
})

export const checkOnboardingBody = z.strictObject({ as: personName, record, issuer })

export const dueBody = pageBody.extend({ days: z.number().int().min(0).max(3650) })

export const flagsBody = z.strictObject({
  issuer,
  days: z.number().int().min(1).max(3650),
  client: z.string().min(1).max(128).optional(),
})
