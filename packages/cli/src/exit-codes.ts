/**
 * What the exit code of a command means.
 * - `done`: it did what was asked; everything it looked at is well.
 * - `no`: the answer is no: invalid documents, a broken chain, a failed check, nothing found.
 * - `usage`: wrong options or configuration; nothing was tried.
 * - `broken`: it could not: no store, no server, a disk, a network.
 */
export const exitCodes = { done: 0, no: 1, usage: 2, broken: 3 } as const
