/** Markup that is safe to send: made only by the `html` tag, which escapes every value put into it. */
export class Html {
  readonly #text: string
  private constructor(text: string) {
    this.#text = text
  }

  static from(strings: TemplateStringsArray, values: readonly HtmlValue[]): Html {
    let text = strings[0] ?? ''
    for (const [index, value] of values.entries()) text += Html.#render(value) + (strings[index + 1] ?? '')
    return new Html(text)
  }

  static #render(value: HtmlValue): string {
    if (value === undefined || value === false) return ''
    if (value instanceof Html) return value.#text
    if (Array.isArray(value)) return value.map(Html.#render).join('')
    return escaped(String(value))
  }

  toString(): string {
    return this.#text
  }
}

export type HtmlValue = string | number | false | undefined | Html | readonly HtmlValue[]

/** A template whose values cannot be forgotten to escape, in text and in quoted attributes alike. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return Html.from(strings, values)
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

/** Most values hold nothing that `escaped` would change: one look tells. */
const unsafe = /[&<>"'`\p{Cc}\p{Bidi_Control}]/u

function escaped(text: string): string {
  if (!unsafe.test(text)) return text
  return text
    .replaceAll(/[&<>"'`]/g, character => entities[character] ?? '')
    .replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, invisible)
}

/** Control characters and direction overrides can make a name read as another one. */
function invisible(character: string): string {
  return character === '\n' || character === '\t' ? character : '\ufffd'
}
