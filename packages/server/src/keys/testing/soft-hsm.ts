import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEntropy } from '../../entropy.ts'
import type { Pkcs11Options } from '../custody/pkcs11.ts'

const pin = '90817263'
const places = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
]

/** A PKCS #11 token of SoftHSM2 in a folder of its own. */
export interface SoftHsm {
  readonly options: Pkcs11Options
  readonly remove: () => void
}

/** @returns undefined where SoftHSM2 or OpenSC is not installed */
export function openSoftHsm(): SoftHsm | undefined {
  const modulePath = places.find(place => existsSync(place))
  if (modulePath === undefined || !runs('softhsm2-util', ['--version']) || !runs('pkcs11-tool', ['--help']))
    return undefined
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-hsm-'))
  const conf = join(folder, 'softhsm2.conf')
  mkdirSync(join(folder, 'tokens'))
  writeFileSync(conf, `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\n`)
  const environment = { SOFTHSM2_CONF: conf }
  const init = ['--init-token', '--free', '--label', 'holdfast-test', '--so-pin', '12345678', '--pin', pin]
  execFileSync('softhsm2-util', init, { env: { ...process.env, ...environment }, stdio: 'ignore' })
  return {
    options: {
      ...{ modulePath, tokenLabel: 'holdfast-test', toolPath: 'pkcs11-tool', environment, processesMax: 1 },
      readPin: async () => pin,
      entropy: openEntropy(),
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function runs(tool: string, what: readonly string[]): boolean {
  try {
    execFileSync(tool, [...what], { stdio: 'ignore' })
    return true
  } catch (thrown) {
    // It started and did not like the argument.
    return typeof thrown === 'object' && thrown !== null && 'status' in thrown && thrown.status !== null
  }
}
