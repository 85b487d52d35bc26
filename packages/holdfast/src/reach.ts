import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { ReachChoice } from '@holdfast/server/control/bootstrap/reach.ts'
import type { OutboundOptions } from '@holdfast/server/outbound/client.ts'

/** What the files of a choice hold. A file that is not there stops the start. */
export function reachFrom({
  caFile,
  identityFiles,
  networks,
}: ReachChoice): Pick<OutboundOptions, 'networks' | 'caPem' | 'identity'> {
  return {
    networks,
    ...(caFile !== undefined && { caPem: readFileSync(caFile, 'utf8') }),
    ...(identityFiles !== undefined && {
      identity: {
        certPem: readFileSync(identityFiles.certificate, 'utf8'),
        keyPem: readFileSync(identityFiles.privateKey, 'utf8'),
      },
    }),
  }
}

/** One line, its end does not count. */
export async function readSecret(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).trim()
}
