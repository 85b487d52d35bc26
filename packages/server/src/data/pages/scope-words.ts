import type { Scope } from '../../snapshot/snapshot.ts'
import type { Words } from './words/words.ts'

/** In the language of the page where the scope has words in it, else in the one of its document. */
export function scopeWords(
  scope: Scope | undefined,
  name: string,
  { locale }: Words,
): Pick<Scope, 'title' | 'description'> {
  const { title = name, description = '', translations = {} } = scope ?? {}
  const translated = locale === 'en' ? undefined : translations[locale]
  return translated ?? { title, description }
}
