/** Attributes of the context that a policy looks at; `everything` when they may look at any. */
export type ContextReads = ReadonlySet<string> | 'everything'

const nothing: ContextReads = new Set()

/**
 * What a policy in Cedar's JSON format reads of the context. `context.a` and `context has a` read `a`; a context that
 * stands anywhere else, compared or put into a record, is read whole. Says too much rather than too little.
 */
export function contextReads(policy: unknown): ContextReads {
  const read = new Set<string>()
  const open: unknown[] = [policy]
  while (open.length > 0) {
    const part = open.pop()
    if (typeof part !== 'object' || part === null) continue
    for (const [name, inner] of Object.entries(part)) {
      if (name === 'Var' && inner === 'context') return 'everything'
      const attribute = name === '.' || name === 'has' ? attributeOfContext(inner) : undefined
      if (attribute === undefined) open.push(inner)
      else read.add(attribute)
    }
  }
  return read.size === 0 ? nothing : read
}

export function readsOfContext(reads: ContextReads, attribute: string): boolean {
  return reads === 'everything' || reads.has(attribute)
}

function attributeOfContext(access: unknown): string | undefined {
  if (typeof access !== 'object' || access === null) return undefined
  const { left, attr } = access as { readonly left?: unknown; readonly attr?: unknown }
  const isContext = typeof left === 'object' && left !== null && 'Var' in left && left.Var === 'context'
  // `has a.b` is a path.
  const first: unknown = Array.isArray(attr) ? attr[0] : attr
  return isContext && typeof first === 'string' ? first : undefined
}
