import type { Room } from '../room.ts'
import { routes } from '../routes.ts'

/** The room that the product's own table has for a request, and what `:name` in its path stands for. */
export interface FoundRoom {
  readonly room: Room
  readonly params: Readonly<Record<string, string>>
}

export function roomFor(method: string, pathname: string): FoundRoom | undefined {
  const segments = pathname.split('/')
  for (const route of routes) {
    const pattern = route.path.split('/')
    const fits = pattern.every((part, index) => part.startsWith(':') || part === segments[index])
    if (route.method !== method || pattern.length !== segments.length || !fits) continue
    const named = pattern.flatMap((part, index) =>
      part.startsWith(':') ? [[part.slice(1), segments[index] ?? ''] as const] : [],
    )
    return { room: route.room, params: Object.fromEntries(named) }
  }
  return undefined
}
