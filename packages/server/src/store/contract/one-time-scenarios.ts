import type { GuardKind, ReplayNamespace } from '../writes.ts'
import { type GuardScenario, guardScenarios } from './guard-scenarios.ts'
import { jti, later, newHash, start } from './samples.ts'

/** Each kind of what is signed to be used once; a new one does not compile until it stands here. */
const replayNamespaces: Readonly<Record<ReplayNamespace, true>> = {
  'client-assertion': true,
  'client-attestation-pop': true,
  'client-svid': true,
  'dpop-proof': true,
  'request-object': true,
  'backchannel-request-object': true,
  'authorization-grant': true,
}

export const replayNamespaceNames = Object.keys(replayNamespaces) as readonly ReplayNamespace[]

const once = (Object.entries(guardScenarios) as [GuardKind, () => GuardScenario][]).filter(
  ([guard, make]) => guard !== 'remember-jti' && make().isOnce,
)

function remembered(what: ReplayNamespace): GuardScenario {
  const seen = newHash()
  const attempt = jti(seen, start, later(60), what)
  return {
    prepare: [],
    attempt: () => attempt,
    endsAt: undefined,
    spoilers: { 'it was seen': attempt },
    unknown: undefined,
    isOnce: true,
  }
}

/** Everything that works once, by name: a guard that is added is raced without another line. */
export const oneTimeScenarios: Readonly<Record<string, () => GuardScenario>> = {
  ...Object.fromEntries(once),
  ...Object.fromEntries(
    replayNamespaceNames.map(what => [`remember-jti of a ${what}`, () => remembered(what)]),
  ),
}
