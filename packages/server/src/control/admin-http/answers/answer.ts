import { z } from 'zod'

/** What JSON makes of a type: nothing in it is read-only, and what is undefined is not there. */
type Sent<T> = T extends number
  ? number
  : T extends readonly (infer Item)[]
    ? Sent<Item>[]
    : T extends object
      ? { -readonly [Name in keyof T]: Sent<T[Name]> }
      : T

/** A schema that takes whatever the type of an answer allows: one that lacks a member does not compile. */
export function answer<T>(): <S extends z.ZodType>(
  schema: [Sent<T>] extends [z.input<S>] ? S : never,
) => z.ZodType {
  return schema => schema
}

export const text = z.string()
export const texts = z.array(text)
export const count = z.number().int().min(0)
/** Seconds since 1970. */
export const seconds = z.number().int().min(0)
export const flag = z.boolean()

/** Who was asked, and where the audit says so. */
export const referenced = { issuer: text, reference: text }

/** Where the next page of a list begins: to be sent as `after`. Absent on the last one. */
export const paged = { next: text.optional() }
