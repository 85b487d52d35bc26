import { AssertionError } from 'node:assert'
import { Fault, type Ports } from '../ports.ts'
import { type EdgeRefusal, edgeRefusals } from './edge-error.ts'

const broken: EdgeRefusal = {
  ruleId: 'edge.bug',
  status: 500,
  error: 'server_error',
  sentence: 'something broke on our side',
}

/**
 * What a client hears when the world broke (503, worth repeating) or when we are wrong (500). The cause goes
 * to the log under the reference id, never to the client.
 */
export function faultRefusal(thrown: unknown, route: string, requestId: string, ports: Ports): EdgeRefusal {
  const isFault = thrown instanceof Fault
  const code = isFault ? thrown.code : thrown instanceof AssertionError ? 'bug.assert' : 'bug'
  ports.metrics.count('faults_total', { code, route })
  ports.log.error('request.fault', { requestId, route, code, cause: describe(thrown) })
  return isFault ? edgeRefusals.overloaded : broken
}

/** Message and stack of an error and of its causes, at most four deep. */
function describe(thrown: unknown): readonly string[] {
  const lines: string[] = []
  let current: unknown = thrown
  for (let depth = 0; depth < 4 && current !== undefined; depth++) {
    lines.push(current instanceof Error ? (current.stack ?? current.message) : typeof current)
    current = current instanceof Error ? current.cause : undefined
  }
  return lines
}
