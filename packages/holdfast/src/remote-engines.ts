import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { RemoteEngineChoice } from '@holdfast/server/control/bootstrap/remote-engines.ts'
import type { BearerSource, RemoteEngine } from '@holdfast/server/remote-engines/open.ts'

/** The engines that the configuration names, with what its files hold. A file that is not there stops the start. */
export function remoteEngines(choices: readonly RemoteEngineChoice[]): readonly RemoteEngine[] {
  return choices.map(({ bearerFile, oauth, identityFiles, caFile, networks, tellsSubject, ...plain }) => ({
    ...plain,
    withSubject: tellsSubject,
    bearer: bearerOf(bearerFile, oauth),
    reach: {
      networks,
      ...(caFile !== undefined && { caPem: readFileSync(caFile, 'utf8') }),
      ...(identityFiles !== undefined && {
        identity: {
          certPem: readFileSync(identityFiles.certificate, 'utf8'),
          keyPem: readFileSync(identityFiles.privateKey, 'utf8'),
        },
      }),
    },
  }))
}

function bearerOf(
  file: RemoteEngineChoice['bearerFile'],
  oauth: RemoteEngineChoice['oauth'],
): BearerSource | undefined {
  if (file !== undefined) return { from: 'file', read: () => readBearer(file) }
  return oauth && { from: 'oauth', request: oauth }
}

/** One line, its end does not count. */
async function readBearer(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).trim()
}
