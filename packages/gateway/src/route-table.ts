import type { Outcome } from '@holdfast/protocol'
import { accept, firstRefusal, refuse } from '@holdfast/protocol'
import { forwardedMethods, splitPath, targetRules } from '@holdfast/protocol/specs/holdfast-gateway/rules.ts'

export const routesMax = 1000

/** A path of a route, taken apart. */
interface Node<R> {
  readonly literals: Map<string, Node<R>>
  any: Node<R> | undefined
  /** Routes that end here, by method. */
  readonly here: Map<string, R>
  /** Routes that take the rest, by method. */
  readonly rest: Map<string, R>
}

interface Routed {
  readonly path: string
  readonly methods: readonly string[]
}

export interface RouteTable<R> {
  /** @param path canonical @returns the route, or the methods the path has */
  readonly find: (method: string, path: string) => Outcome<R>
  /** Methods of a path, for `Allow`. */
  readonly methodsOf: (path: string) => readonly string[]
}

/**
 * The routes as a tree: a literal segment wins over `{name}`, and that over `{rest...}`; there is no other order.
 * @throws TypeError that names the route, when two are the same or one is not well-formed
 */
export function compileRoutes<R extends Routed>(routes: readonly R[]): RouteTable<R> {
  if (routes.length > routesMax) throw new TypeError(`there are more than ${routesMax} routes`)
  const root = emptyNode<R>()
  for (const route of routes) addRoute(root, route)
  const methodsOf = (path: string): readonly string[] => [
    ...new Set(endsOf(root, path.slice(1).split('/'), 0).flatMap(end => [...end.keys()])),
  ]
  return {
    find: (method, path) => {
      // The first end that has the method, in order of precedence: one path may have its methods in two places.
      for (const end of endsOf(root, path.slice(1).split('/'), 0)) {
        const route = end.get(method)
        if (route !== undefined) return accept(route)
      }
      return methodsOf(path).length === 0
        ? refuse('gateway.route', ['HFG-5'], 'invalid_request', 'no route has this path')
        : refuse(
            'gateway.route-method',
            ['HFG-5'],
            'invalid_request',
            'no route has this method for this path',
          )
    },
    methodsOf,
  }
}

function emptyNode<R>(): Node<R> {
  return { literals: new Map(), any: undefined, here: new Map(), rest: new Map() }
}

const name = /^\{[a-z][A-Za-z0-9_]{0,31}\}$/
const restName = /^\{[a-z][A-Za-z0-9_]{0,31}\.\.\.\}$/

function addRoute<R extends Routed>(root: Node<R>, route: R): void {
  const { path, methods } = route
  const wrong = (why: string): TypeError => new TypeError(`route \`${path}\`: ${why}`)
  if (methods.length === 0) throw wrong('has no method')
  const segments = path.slice(1).split('/')
  const literal = segments.map(segment => (isName(segment) ? 'x' : segment)).join('/')
  const refusal = firstRefusal(targetRules, { target: `/${literal}` })
  if (!path.startsWith('/') || path.includes('?') || refusal !== undefined)
    throw wrong(refusal?.reason ?? 'is not a path')
  let node = root
  for (const [index, segment] of segments.entries()) {
    if (restName.test(segment)) {
      if (index !== segments.length - 1) throw wrong('a rest stands at the end only')
      addEnd(node.rest, route, wrong)
      return
    }
    node = childOf(node, segment)
  }
  addEnd(node.here, route, wrong)
}

function isName(segment: string): boolean {
  return name.test(segment) || restName.test(segment)
}

function childOf<R>(node: Node<R>, segment: string): Node<R> {
  if (name.test(segment)) {
    node.any ??= emptyNode<R>()
    return node.any
  }
  const known = node.literals.get(segment)
  if (known !== undefined) return known
  const made = emptyNode<R>()
  node.literals.set(segment, made)
  return made
}

function addEnd<R extends Routed>(end: Map<string, R>, route: R, wrong: (why: string) => TypeError): void {
  for (const method of route.methods) {
    if (!forwardedMethods.has(method)) throw wrong(`\`${method}\` is not a method that is forwarded`)
    if (end.has(method)) throw wrong(`\`${method}\` stands twice`)
    end.set(method, route)
  }
}

/** Every end that matches, the most literal first. Bounded: a path has at most as many ends as routes that fit it. */
function endsOf<R>(node: Node<R>, segments: readonly string[], index: number): readonly Map<string, R>[] {
  const segment = segments[index]
  if (segment === undefined) return node.here.size > 0 ? [node.here] : []
  const literal = node.literals.get(segment)
  return [
    ...(literal === undefined ? [] : endsOf(literal, segments, index + 1)),
    ...(node.any === undefined || segment === '' ? [] : endsOf(node.any, segments, index + 1)),
    ...(node.rest.size > 0 && segment !== '' ? [node.rest] : []),
  ]
}

/** The path of a target that has one spelling, or why it has not. */
export function judgeTarget(target: string): Outcome<string> {
  return firstRefusal(targetRules, { target }) ?? accept(splitPath(target).path)
}
