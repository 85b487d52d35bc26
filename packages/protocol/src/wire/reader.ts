/** Reads a text by sticky patterns, from left to right. */
export class Reader {
  position = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.position >= this.#text.length
  }

  /** Matches a sticky pattern here and moves past it. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.position
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.position = pattern.lastIndex
    return match
  }
}
