import { createHash } from 'node:crypto'
import { accept, firstRefusal, type Outcome, refuse } from '@holdfast/protocol'
import { fetchedRequestRules } from '@holdfast/protocol/specs/rfc9101-jar/request-uri-rules.ts'
import { requestObjectBytesMax } from '@holdfast/protocol/specs/rfc9101-jar/rules.ts'
import { Fault, type Outbound, type Ports } from '../../ports.ts'

const limits = {
  bytesMax: requestObjectBytesMax,
  timeoutMs: 3000,
  mediaType: 'application/oauth-authz-req+jwt',
} as const

/** Addresses that are asked at one time: anybody's browser can make us ask, so there is a limit to what it holds up. */
const askedAtOnceMax = 8
/** Of them at one host: a client whose host is slow holds up itself, and not everybody who has requests fetched. */
const askedOfHostMax = 2
/** After a failure an address is left alone for so long. */
const restMs = 5000
const restingMax = 1000

interface Fetching {
  /** By address, like what failed: without the fragment. */
  readonly inFlight: Map<string, Promise<string>>
  readonly failedAtMs: Map<string, number>
}

const perProcess = new WeakMap<Outbound, Fetching>()

/**
 * The request object behind a registered `request_uri` (RFC 9101 section 5.2.3, OpenID Connect Core section 6.2). It is
 * fetched for each request, but never twice at one time.
 * @param requestUri judged: it is one the client registered
 */
export async function fetchRequestObject(requestUri: string, ports: Ports): Promise<Outcome<string>> {
  let text: string
  try {
    // The fragment is the hash: it is for us, and is not sent.
    const [address = requestUri] = requestUri.split('#')
    text = await fetched(address, ports)
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    ports.log.warn('a request object could not be fetched', { url: requestUri, error: String(thrown) })
    return refuse(
      'request-uri.fetch',
      ['RFC9101-5.2.3', 'RFC9101-7'],
      'invalid_request_uri',
      'the request object could not be fetched from the request URI',
      { fault: thrown.code },
    )
  }
  const sha256 = createHash('sha256').update(text).digest('base64url')
  return firstRefusal(fetchedRequestRules, { requestUri, sha256 }) ?? accept(text)
}

async function fetched(address: string, { outbound, clock }: Ports): Promise<string> {
  const { inFlight, failedAtMs } = fetchingOf(outbound)
  const known = inFlight.get(address)
  if (known !== undefined) return await known
  const failedAt = failedAtMs.get(address)
  if (failedAt !== undefined && clock.monotonicMs() - failedAt < restMs)
    throw new Fault('outbound.failed', { detail: 'it failed a moment ago' })
  if (inFlight.size >= askedAtOnceMax)
    throw new Fault('outbound.failed', { detail: 'too many request objects are already on their way' })
  const { host } = new URL(address)
  if ([...inFlight.keys()].filter(one => new URL(one).host === host).length >= askedOfHostMax)
    throw new Fault('outbound.failed', { detail: 'its host has not answered for others yet' })
  const fetching = outbound.getText(address, limits)
  inFlight.set(address, fetching)
  try {
    const text = await fetching
    failedAtMs.delete(address)
    return text
  } catch (thrown) {
    const [oldest] = failedAtMs.keys()
    if (failedAtMs.size >= restingMax && oldest !== undefined) failedAtMs.delete(oldest)
    failedAtMs.set(address, clock.monotonicMs())
    throw thrown
  } finally {
    inFlight.delete(address)
  }
}

function fetchingOf(outbound: Outbound): Fetching {
  const known = perProcess.get(outbound)
  if (known !== undefined) return known
  const made: Fetching = { inFlight: new Map(), failedAtMs: new Map() }
  perProcess.set(outbound, made)
  return made
}
