import { Composer, type Document, isScalar, Lexer, LineCounter, Parser, visit } from 'yaml'

/** One document of a text: where it begins and what it says, or what is wrong with it and where. */
export type YamlDocument =
  | { readonly line: number; readonly value: unknown }
  | { readonly line: number; readonly error: string }

/** Lists and maps inside each other on one line, as JSON has them; deeper would fill the stack before a schema sees it. */
const depthMax = 64

/**
 * The documents of a text one after the other, each read when it is asked for. No aliases: one line must not be able
 * to expand into a gigabyte. What it costs grows with the text and no faster.
 */
export function* readYaml(text: string): Generator<YamlDocument> {
  const lines = new LineCounter()
  const deep = deepPlace(text)
  if (deep !== undefined) {
    yield { line: deep, error: `more than ${depthMax} lists and maps inside each other` }
    return
  }
  // The library compares each key with each other one.
  const composer = new Composer({ lineCounter: lines, uniqueKeys: false, prettyErrors: false })
  for (const token of new Parser(lines.addNewLine).parse(text))
    for (const document of composer.next(token)) yield* plain(document, lines)
  for (const document of composer.end()) yield* plain(document, lines)
}

function* plain(document: Document, lines: LineCounter): Generator<YamlDocument> {
  const lineOf = (offset: number): number => lines.linePos(offset).line
  const [error] = document.errors
  const twice = error === undefined ? keyTwice(document) : undefined
  if (error !== undefined)
    yield { line: lineOf(error.pos[0]), error: (error.message.split('\n')[0] ?? '').toLowerCase() }
  else if (twice !== undefined) yield { line: lineOf(twice), error: 'map keys must be unique' }
  else if (document.contents !== null)
    yield { line: lineOf(document.contents.range?.[0] ?? 0), value: plainValue(document) }
}

/** Offset of a key that stands in its map before, as a text: `1` and `"1"` are one key. */
function keyTwice(document: Document): number | undefined {
  let found: number | undefined
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Set<string>()
      for (const { key } of items) {
        const name = isScalar(key) ? String(key.value) : JSON.stringify(key)
        if (seen.has(name)) {
          found = isScalar(key) ? key.range?.[0] : 0
          return visit.BREAK
        }
        seen.add(name)
      }
      return undefined
    },
  })
  return found
}

/** `undefined` when the document uses aliases, which then fails as a document that is no object. */
function plainValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch {
    return undefined
  }
}

/** The line where lists and maps stand too deep inside each other; undefined when they do nowhere. */
function deepPlace(text: string): number | undefined {
  let [line, flow, inLine] = [1, 0, 0]
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') flow++
    else if (token === ']' || token === '}') flow--
    else if (token === '-' || token === '?') inLine++
    else if (token === '\n' || token === '\r\n') {
      line++
      inLine = 0
    }
    if (flow > depthMax || inLine > depthMax) return line
  }
  return undefined
}
