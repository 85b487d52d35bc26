import { describe, test } from 'node:test'

/** Tests that need a program of this machine; where it is missing, one test is counted as skipped and says why. */
export function whereThere(title: string, missing: string | undefined, tests: () => void): void {
  if (missing === undefined) describe(title, tests)
  else test(title, { skip: missing }, () => undefined)
}
