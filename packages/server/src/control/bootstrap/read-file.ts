import { readFileSync } from 'node:fs'
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { type Checked, checked, type Problem, wrong } from '../problem.ts'
import { textOfPath } from '../shape.ts'

/** Where a setting was set, by its path: `holdfast.yaml:3`, `holdfast.yaml:3 (DATABASE_URL)`. */
export type Origins = ReadonlyMap<string, string>

export interface BootstrapText {
  readonly value: unknown
  readonly origins: Origins
}

type Environment = Readonly<Record<string, string | undefined>>

const fileBytesMax = 1_048_576
const reference = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g

/** The file as plain data with `${NAME}` replaced from the environment, each leaf with its origin. */
export function readBootstrapFile(path: string, env: Environment): Checked<BootstrapText> {
  const text = readFileSync(path, 'utf8')
  if (text.length > fileBytesMax) return wrong({ document: path, field: '', message: 'is larger than 1 MiB' })
  const lines = new LineCounter()
  const yaml = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false })
  const [error] = yaml.errors
  if (error !== undefined) {
    const message = (error.message.split('\n')[0] ?? '').toLowerCase()
    return wrong({ document: `${path}:${lines.linePos(error.pos[0]).line}`, field: '', message })
  }
  const origins = new Map<string, string>()
  const problems: Problem[] = []

  const visit = (node: unknown, at: string): unknown => {
    if (isMap(node))
      return Object.fromEntries(
        node.items.map(({ key, value }) => {
          const name = String(isScalar(key) ? key.value : key)
          return [name, visit(value, textOfPath(at, [name]))]
        }),
      )
    if (isSeq(node)) return node.items.map((item, index) => visit(item, textOfPath(at, [index])))
    if (!isScalar(node)) return undefined
    const place = `${path}:${lineOf(node, lines)}`
    const resolved = fromEnvironment(node.value, env)
    if (resolved.missing !== undefined)
      problems.push({
        document: place,
        field: at,
        message: `environment variable \`${resolved.missing}\` is not set`,
      })
    origins.set(at, resolved.names.length === 0 ? place : `${place} (${resolved.names.join(', ')})`)
    return resolved.value
  }
  const value = visit(yaml.contents, '')
  return problems.length === 0 ? checked({ value: value ?? {}, origins }) : wrong(...problems)
}

interface Resolved {
  readonly value: unknown
  readonly names: readonly string[]
  readonly missing: string | undefined
}

function fromEnvironment(value: unknown, env: Environment): Resolved {
  if (typeof value !== 'string') return { value, names: [], missing: undefined }
  const names = [...value.matchAll(reference)].map(([, name = '']) => name)
  const missing = names.find(name => env[name] === undefined)
  const text = value.replaceAll(reference, (_whole, name: string) => env[name] ?? '')
  // A port may come from the environment, where everything is text.
  const isNumber = names.length === 1 && value === `\${${names[0]}}` && /^\d{1,9}$/.test(text)
  return { value: isNumber ? Number(text) : text, names, missing }
}

function lineOf(node: Node, lines: LineCounter): number {
  return lines.linePos(node.range?.[0] ?? 0).line
}
