import { readFileSync } from 'node:fs'

/** The side of a process of a drill that speaks with whoever started it. */

/** The one argument of the process names a file. */
export function configOf<T>(): T {
  return JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as T
}

/** Answers questions, in the order they come, until the parent is gone. */
export function answerParent(answers: Readonly<Record<string, (about: string) => unknown>>): void {
  process.on('message', message => {
    const { id, question, about } = message as Question
    process.send?.({ id, answer: answers[question]?.(about) })
  })
  // Nobody is left to stop it.
  process.on('disconnect', () => process.exit(0))
  process.send?.({ id: readyId })
}

export interface Question {
  readonly id: number
  readonly question: string
  readonly about: string
}

export const readyId = 0
