import type { Problem } from './problem.ts'

/** Words farther apart than this are not offered: a wrong suggestion is worse than none. */
const distanceMax = 3

/** The known word that was probably meant, or undefined. */
export function suggestion(word: string, known: readonly string[]): string | undefined {
  const limit = Math.min(distanceMax, Math.floor(word.length / 2))
  let best: { readonly word: string; readonly distance: number } | undefined
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance <= limit && (best === undefined || distance < best.distance))
      best = { word: candidate, distance }
  }
  return best?.word
}

/** ` (did you mean \`x\`?)`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const meant = suggestion(word, known)
  return meant === undefined ? '' : ` (did you mean \`${meant}\`?)`
}

/** Levenshtein distance; both words are cut at 64 characters. */
function editDistance(left: string, right: string): number {
  const [a, b] = [left.slice(0, 64), right.slice(0, 64)]
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1
      current.push(
        Math.min(
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (previous[column - 1] ?? 0) + cost,
        ),
      )
    }
    previous = current
  }
  return previous.at(-1) ?? 0
}

/** A reference to something that no document and no shipped record has. */
export function unknownName(
  document: string,
  field: string,
  what: string,
  name: string,
  known: ReadonlyMap<string, unknown>,
): Problem {
  const message = `there is no ${what} \`${name}\`${didYouMean(name, [...known.keys()])}`
  return { document, field, message }
}
