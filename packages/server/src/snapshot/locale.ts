/** Languages the pages speak; documents are written in the first, and who wants none of them gets it. */
export const locales = ['en', 'de'] as const

export type Locale = (typeof locales)[number]
