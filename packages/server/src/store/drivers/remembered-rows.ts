import type { Row } from '../finders.ts'
import type { SqlValue, StatementName } from '../statements.ts'

/** Questions about users and what they sign in with: asked with nearly every request, and hardly ever answered anew. */
const questions: ReadonlySet<StatementName> = new Set(['find-user-by-subject', 'list-authenticators'])
/** What those questions read. A text that only mentions it forgets too: that costs a look, never a wrong answer. */
const readTables = /\b(users|authenticators)\b/
const answersMax = 10_000

/**
 * Answers that still stand in the file as they were read. Only for a driver that is the file's one writer, and that
 * asks nothing between a change and the end of its transaction: then every change is seen here before anybody reads.
 */
export class RememberedRows {
  readonly #answers = new Map<string, readonly Row[]>()

  /** Whether running this text can change an answer. */
  static isChangedBy(text: string): boolean {
    return !text.startsWith('select') && readTables.test(text)
  }

  recall(name: StatementName, values: readonly SqlValue[]): readonly Row[] | undefined {
    return questions.has(name) ? this.#answers.get(keyOf(name, values)) : undefined
  }

  remember(name: StatementName, values: readonly SqlValue[], rows: readonly Row[]): void {
    if (!questions.has(name)) return
    if (this.#answers.size >= answersMax) this.forget()
    this.#answers.set(keyOf(name, values), rows)
  }

  forget(): void {
    this.#answers.clear()
  }
}

function keyOf(name: StatementName, values: readonly SqlValue[]): string {
  let key: string = name
  for (const value of values) key += ` ${String(value).length}:${value}`
  return key
}
