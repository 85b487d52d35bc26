/**
 * What a policy looks at in the context, by path (`asked.time`): at the value there, or only at whether there is one;
 * `everything` when it may look at any.
 */
export type ContextReads = ReadonlyMap<string, 'value' | 'presence'> | 'everything'

const nothing: ContextReads = new Map()

/**
 * What a policy in Cedar's JSON format reads of the context. `context.a.b` reads the value of `a.b`, `context has a` only
 * whether there is an `a`; a context that stands anywhere else, compared or put into a record, is read whole. Says too
 * much rather than too little.
 */
export function contextReads(policy: unknown): ContextReads {
  const read = new Map<string, 'value' | 'presence'>()
  const open: unknown[] = [policy]
  while (open.length > 0) {
    const part = open.pop()
    if (typeof part !== 'object' || part === null) continue
    for (const [name, inner] of Object.entries(part)) {
      if (name === 'Var' && inner === 'context') return 'everything'
      const path = name === '.' || name === 'has' ? pathInContext(inner) : undefined
      if (path === undefined) open.push(inner)
      else if (name === '.') read.set(path.join('.'), 'value')
      // What `a` is decides whether it has a `b`.
      else if (path.length > 1) read.set(path.slice(0, -1).join('.'), 'value')
      else if (!read.has(path.join('.'))) read.set(path.join('.'), 'presence')
    }
  }
  return read.size === 0 ? nothing : read
}

/** Whether an attribute of the context is looked at in any way, or anything in it. */
export function readsOfContext(reads: ContextReads, attribute: string): boolean {
  return reads === 'everything' || [...reads.keys()].some(path => isWithin(path, attribute))
}

/** Whether the value at a path is looked at: by itself, with what it stands in, or in part. */
export function readsValueAt(reads: ContextReads, path: string): boolean {
  if (reads === 'everything') return true
  return [...reads].some(([read, what]) => what === 'value' && (isWithin(read, path) || isWithin(path, read)))
}

function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}.`)
}

/** The way from the context to what `left.attr` names; undefined when it does not begin there. */
function pathInContext(access: unknown): readonly string[] | undefined {
  if (typeof access !== 'object' || access === null) return undefined
  const { left, attr } = access as { readonly left?: unknown; readonly attr?: unknown }
  const names: readonly unknown[] = Array.isArray(attr) ? attr : [attr]
  if (typeof left !== 'object' || left === null || !names.every(name => typeof name === 'string'))
    return undefined
  if ('Var' in left) return left.Var === 'context' ? names : undefined
  const before = '.' in left ? pathInContext(left['.']) : undefined
  return before && [...before, ...names]
}
