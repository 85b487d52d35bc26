import type { Exchange } from '../../http/exchange.ts'
import { type Locale, locales } from '../../snapshot/locale.ts'
import { de } from './words/de.ts'
import { en } from './words/en.ts'
import type { Words } from './words/words.ts'

const catalogue: Readonly<Record<Locale, Words>> = { en, de }

/** Language ranges of one header that are looked at. */
const rangesMax = 20

/**
 * The words of a page: the language the request asks for, else one the browser prefers, else English. A language we
 * do not have is passed over and is never an error (OpenID Connect Core 3.1.2.1).
 * @param uiLocales of the request, in its order of preference
 */
export function wordsFor(exchange: Exchange, uiLocales: readonly string[] = []): Words {
  const wanted = [...uiLocales, ...acceptedLanguages(exchange.headers('accept-language'))]
  for (const tag of wanted) {
    const found = locales.find(locale => locale === tag.toLowerCase().split('-')[0])
    if (found !== undefined) return catalogue[found]
  }
  return en
}

/** Language tags by preference (RFC 9110 section 12.5.4); what is refused by `q=0` or malformed is left out. */
function acceptedLanguages(headers: readonly string[]): readonly string[] {
  return headers
    .flatMap(header => header.split(','))
    .slice(0, rangesMax)
    .flatMap(range => {
      const [, tag, quality = '1'] =
        /^\s*([a-z]{1,8}(?:-[a-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*$/i.exec(range) ?? []
      return tag === undefined || Number(quality) === 0 ? [] : [{ tag, quality: Number(quality) }]
    })
    .toSorted((left, right) => right.quality - left.quality)
    .map(({ tag }) => tag)
}
