import { createPublicKey, verify } from 'node:crypto'
import { parseArgs } from 'node:util'
import { epochSeconds } from '@holdfast/protocol'
import { createResourceServer, inMemoryReplayMemory } from '@holdfast/resource-server'
import { type TestKey, testIssuer, testKey, testProof } from '@holdfast/resource-server/testing.ts'
import * as oauth from 'oauth4webapi'

/**
 * CPU microseconds one DPoP-protected request costs an API, user and system time of all threads, signed before the
 * clock starts. Run in one process, in short turns, so that every contender meets the same machine. The ratio is taken
 * within a turn, then its median over all turns: neighbours on the machine slow all contenders alike.
 *   raw    one ES256 verification of a proof, key at hand: the floor
 *   known  the SDK, token seen before: proof, replay memory, scope, audit and all
 *   new    the SDK, token never seen: two signatures
 *   peer   oauth4webapi `validateJwtAccessToken`; it remembers no token and no proof
 */
const { values } = parseArgs({
  options: { requests: { type: 'string', default: '250' }, rounds: { type: 'string', default: '24' } },
})
const requests = Number(values.requests)
const rounds = Number(values.rounds)

const now = epochSeconds(Math.floor(Date.now() / 1000))
const issuer = testIssuer({ clock: { now: () => now } })
const key = testKey('ES256')
const publicKey = createPublicKey(key.privateKey)
const url = `${issuer.audience}/payments/7`

let audited = 0
const api = createResourceServer({
  issuer: issuer.issuer,
  audience: issuer.audience,
  tokens: 'jwt',
  fetch: issuer.fetch,
  clock: { now: () => now },
  replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0), entriesMax: 10_000_000 }),
  audit: () => {
    audited++
  },
})
const guard = api.guard({ scopes: ['payments:read'] })
const knownToken = mint()

function mint(): string {
  return issuer.mint({ cnf: { jkt: key.thumbprint } })
}

function proofOf(token: string, client: TestKey = key): string {
  return testProof({ key: client, method: 'GET', url, token, now })
}

interface Contender {
  readonly name: string
  /** Makes the requests, outside the clock. */
  readonly prepare: () => readonly (() => unknown)[]
}

function sdkRequest(token: string): () => Promise<void> {
  const headers = new Map([
    ['authorization', [`DPoP ${token}`]],
    ['dpop', [proofOf(token)]],
  ])
  const request = {
    method: 'GET',
    target: '/payments/7',
    headers: (name: string) => headers.get(name) ?? [],
    isSecure: true,
    peerCertificate: undefined,
    isTokenInBody: false,
    native: undefined,
  }
  return async () => {
    const answer = await guard(request)
    if (!answer.ok) throw new Error(answer.reason)
  }
}

function rawVerification(): () => void {
  const proof = proofOf(knownToken)
  const dot = proof.lastIndexOf('.')
  const data = Buffer.from(proof.slice(0, dot))
  const signature = derOf(Buffer.from(proof.slice(dot + 1), 'base64url'))
  return () => {
    if (!verify('sha256', data, publicKey, signature)) throw new Error('raw signature')
  }
}

/** ECDSA signature as ASN.1, made outside the clock: the floor is the mathematics alone. */
function derOf(raw: Buffer): Buffer {
  const integer = (bytes: Buffer): Buffer => {
    let start = 0
    while (start < bytes.length - 1 && bytes[start] === 0) start++
    const rest = bytes.subarray(start)
    const padded = (rest[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), rest]) : rest
    return Buffer.concat([Buffer.from([2, padded.length]), padded])
  }
  const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))])
  return Buffer.concat([Buffer.from([0x30, body.length]), body])
}

const server: oauth.AuthorizationServer = { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` }
const peerOptions: oauth.ValidateJWTAccessTokenOptions = {
  requireDPoP: true,
  [oauth.customFetch]: (to, init) =>
    issuer.fetch(to, {
      method: 'GET',
      headers: {},
      redirect: 'error',
      signal: init.signal ?? AbortSignal.timeout(5000),
    }) as Promise<Response>,
}

function peerRequest(): () => Promise<void> {
  const headers = { authorization: `DPoP ${knownToken}`, dpop: proofOf(knownToken) }
  const request = new Request(url, { headers })
  return async () => {
    await oauth.validateJwtAccessToken(server, request, issuer.audience, peerOptions)
  }
}

const times = <T>(make: () => T): readonly T[] => Array.from({ length: requests }, make)
const contenders: readonly Contender[] = [
  { name: 'raw', prepare: () => times(rawVerification) },
  { name: 'known', prepare: () => times(() => sdkRequest(knownToken)) },
  { name: 'new', prepare: () => times(() => sdkRequest(mint())) },
  { name: 'peer', prepare: () => times(peerRequest) },
]

async function measure({ prepare }: Contender): Promise<number> {
  const work = prepare()
  const before = process.cpuUsage()
  for (const one of work) await one()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / requests
}

function median(list: readonly number[]): number {
  return list.toSorted((left, right) => left - right)[Math.floor(list.length / 2)] ?? Number.NaN
}

const seen = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
/** The first turns warm up compiler, caches and connections. */
const warmUpRounds = 8
for (let round = 0; round < warmUpRounds + rounds; round++)
  for (const contender of contenders) {
    const microseconds = await measure(contender)
    if (round >= warmUpRounds) seen.get(contender.name)?.push(microseconds)
  }

const floors = seen.get('raw') ?? []
for (const [name, list] of seen) {
  const least = Math.min(...list).toFixed(1)
  const ratio = median(list.map((microseconds, turn) => microseconds / (floors[turn] ?? Number.NaN)))
  process.stdout.write(
    `${name.padEnd(6)} median ${median(list).toFixed(1).padStart(7)} us  least ${least.padStart(7)} us  ${ratio.toFixed(2)} x raw\n`,
  )
}
if (audited === 0) throw new Error('the audit saw nothing')
