import { existsSync } from 'node:fs'

/** Where a Chromium is; undefined when there is none, and its tests are counted as skipped. */
export function chromiumPath(): string | undefined {
  const named = process.env.HOLDFAST_TEST_CHROMIUM
  const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  return (named === undefined ? usual : [named]).find(path => existsSync(path))
}
