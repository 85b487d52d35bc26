import type { RemoteEngineChoice } from '@holdfast/server/control/bootstrap/remote-engines.ts'
import type { BearerSource, RemoteEngine } from '@holdfast/server/remote-engines/open.ts'
import { reachFrom, readSecret } from './reach.ts'

/** The engines that the configuration names, with what its files hold. */
export function remoteEngines(choices: readonly RemoteEngineChoice[]): readonly RemoteEngine[] {
  return choices.map(choice => {
    const { name, kind, url, deadlineMs, failuresMax, pauseMs, ignores, tellsSubject } = choice
    return {
      ...{ name, kind, url, deadlineMs, failuresMax, pauseMs, ignores },
      withSubject: tellsSubject,
      bearer: bearerOf(choice),
      reach: reachFrom(choice),
    }
  })
}

function bearerOf({ bearerFile, oauth }: RemoteEngineChoice): BearerSource | undefined {
  if (bearerFile !== undefined) return { from: 'file', read: () => readSecret(bearerFile) }
  return oauth && { from: 'oauth', request: oauth }
}
