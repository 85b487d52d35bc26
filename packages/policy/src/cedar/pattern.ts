import { DataProblem, objectAt, onlyMembers, stringAt } from './json.ts'

/**
 * Compiles the pattern of `like`: text and wildcards in turn. The leftmost place for each text is the best one, so
 * nothing is ever tried twice.
 */
export function compilePattern(pattern: readonly unknown[], place: string): (text: string) => boolean {
  const texts = ['']
  for (const part of pattern) {
    if (part === 'Wildcard') {
      texts.push('')
      continue
    }
    const literal = objectAt(part, place)
    onlyMembers(literal, ['Literal'], place)
    texts.push(`${texts.pop() ?? ''}${stringAt(literal.Literal, place)}`)
  }
  const [head, ...others] = texts
  const tail = others.pop()
  if (head === undefined) throw new DataProblem(place, 'expected a pattern')
  if (tail === undefined) return text => text === head
  return text => {
    if (text.length < head.length + tail.length || !text.startsWith(head)) return false
    let at = head.length
    for (const middle of others) {
      const next = text.indexOf(middle, at)
      if (next === -1) return false
      at = next + middle.length
    }
    return text.length - tail.length >= at && text.endsWith(tail)
  }
}
