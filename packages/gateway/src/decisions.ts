import { splitPath } from '@holdfast/protocol/specs/holdfast-gateway/rules.ts'
import {
  type Asked as AskedAbout,
  type Decide,
  type DecisionPoint,
  decideBy,
} from '@holdfast/resource-server'
import type { Asked } from './desk.ts'

/** What a decision point is asked about a request of one route. */
export interface RouteDecision {
  /** Name of a decision point. */
  readonly point: string
  /** Name of the action, as the policies call it. */
  readonly action: string
  readonly resource: {
    readonly type: string
    /** As it stands, with `{name}` for what the path says there. */
    readonly id: string
  }
  /** Type of the user of the token; `user` unless said. */
  readonly subjectType?: string
}

/** The longest identifier that is asked about: longer ones are nobody's. */
const idLengthMax = 512

interface Template {
  readonly segments: readonly string[]
}

/**
 * The question of a route, for the SDK to ask with every request whose token holds. Nothing is remembered.
 * @throws TypeError that names the route, when there is no such point or the path does not say what the id needs
 */
export function routeDecision(
  path: string,
  { point: name, action, resource, subjectType = 'user' }: RouteDecision,
  points: ReadonlyMap<string, DecisionPoint>,
): Decide<Asked> {
  const point = points.get(name)
  if (point === undefined) throw new TypeError(`route \`${path}\`: there is no decision point \`${name}\``)
  const template: Template = { segments: path.slice(1).split('/') }
  const known = new Set(template.segments.filter(isName).map(nameOf))
  const missing = placesOf(resource.id).find(place => !known.has(place))
  if (missing !== undefined) throw new TypeError(`route \`${path}\`: the path has no \`{${missing}}\``)
  if (resource.id.includes('}{'))
    throw new TypeError(`route \`${path}\`: nothing stands between two names of \`${resource.id}\``)
  return decideBy<Asked>(point, ({ token, request }): AskedAbout | undefined => {
    const named = namesIn(template, splitPath(request.url ?? '').path)
    const id = named && filled(resource.id, named)
    if (id === undefined) return undefined
    return {
      subject: { type: subjectType, id: token.subject },
      action: { name: action },
      resource: { type: resource.type, id },
    }
  })
}

function isName(segment: string): boolean {
  return segment.startsWith('{')
}

function nameOf(segment: string): string {
  return segment.slice(1, -1).replace(/\.\.\.$/, '')
}

function placesOf(id: string): readonly string[] {
  return [...id.matchAll(/\{([^}]*)\}/g)].map(([, place = '']) => place)
}

/** What the path says, decoded; undefined when it cannot be: then there is no such object. */
function namesIn({ segments }: Template, path: string): ReadonlyMap<string, string> | undefined {
  const parts = path.slice(1).split('/')
  const found = new Map<string, string>()
  for (const [index, segment] of segments.entries()) {
    if (!isName(segment)) continue
    const isRest = segment.endsWith('...}')
    const value = isRest ? decodedRest(parts.slice(index)) : decoded(parts[index] ?? '')
    if (value === undefined || value === '') return undefined
    found.set(nameOf(segment), value)
  }
  return found
}

/** A slash that is written as `%2F` is no end of a segment: the two must not become one id. */
function decodedRest(parts: readonly string[]): string | undefined {
  const values = parts.map(decoded)
  const isClear = values.every(value => value !== undefined && !value.includes('/'))
  return isClear ? values.join('/') : undefined
}

/** One spelling for each name: what looks the same, and is the same to many databases, is not asked about as another. */
function decoded(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text)
    return value === value.normalize('NFC') ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * Of several names in one id none may hold what stands between them, nor begin or end with a part of it: two objects
 * must not share an id.
 */
function filled(id: string, named: ReadonlyMap<string, string>): string | undefined {
  const values = placesOf(id).map(place => named.get(place) ?? '')
  const texts = id.split(/\{[^}]*\}/)
  const between = texts.filter(text => text !== '')
  if (values.length > 1 && values.some(value => between.some(text => value.includes(text)))) return undefined
  let whole = ''
  for (const [index, value] of values.entries()) {
    const after = texts[index + 1] ?? ''
    // Whoever takes the id apart from the left takes it apart here.
    if (index < values.length - 1 && (value + after).indexOf(after) !== value.length) return undefined
    whole += (texts[index] ?? '') + value
  }
  whole += texts.at(-1) ?? ''
  return whole.length <= idLengthMax ? whole : undefined
}
