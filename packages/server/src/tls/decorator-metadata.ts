/**
 * The X.509 library's container reads decorator metadata through three functions of `Reflect` that no engine
 * has, and refuses to load without them. This is all of them it uses; import it before the library.
 */
type Metadata = Map<unknown, unknown>

const known = new WeakMap<object, Metadata>()

function own(key: unknown, target: object): unknown {
  return known.get(target)?.get(key)
}

function inherited(key: unknown, target: object): unknown {
  let current: object | null = target
  while (current !== null) {
    const value = own(key, current)
    if (value !== undefined) return value
    current = Object.getPrototypeOf(current) as object | null
  }
  return undefined
}

function define(key: unknown, value: unknown, target: object): void {
  const metadata = known.get(target) ?? new Map<unknown, unknown>()
  metadata.set(key, value)
  known.set(target, metadata)
}

if (!('getMetadata' in Reflect))
  Object.assign(Reflect, { getMetadata: inherited, getOwnMetadata: own, defineMetadata: define })
