import type { Bootstrap } from '@holdfast/server/control/bootstrap/bootstrap.ts'

/** Those that a server of this configuration opens: the demo and the admin API may be off. */
export function usedListeners({
  listeners,
  admin,
  demo,
}: Pick<Bootstrap, 'listeners' | 'admin' | 'demo'>): Partial<Bootstrap['listeners']> {
  const { demoApi, gateway, admin: adminListener, ...always } = listeners
  return {
    ...always,
    ...(admin !== undefined && { admin: adminListener }),
    ...(demo && { gateway, demoApi }),
  }
}
