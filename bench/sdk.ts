import { parseArgs } from 'node:util'
import { epochSeconds } from '@holdfast/protocol'
import { testCertificate } from '@holdfast/resource-server/test-certificate.ts'
import { testIssuer, testKey } from '@holdfast/resource-server/testing.ts'
import {
  audited,
  type Binding,
  bindings,
  type Checker,
  clientCertificateOf,
  cnfOf,
  credentialsOf,
  holdfastChecker,
  libraryCheckers,
} from './checks.ts'
import { measureRawSignatures } from './raw-signatures.ts'
import { compared, printTable, quotient, takeRounds } from './rounds.ts'
import { median } from './turns.ts'

/**
 * CPU microseconds that checking one request costs an API, user and system time of all threads; tokens and proofs are
 * signed before the clock starts. One process, short rounds, so that all contenders meet the same machine. The SDK
 * remembers proofs and tells its audit; the libraries remember neither a token nor a proof.
 */
const { values } = parseArgs({
  options: { requests: { type: 'string', default: '250' }, rounds: { type: 'string', default: '24' } },
})
const requests = Number(values.requests)

const now = epochSeconds(Math.floor(Date.now() / 1000))
const clock = { now: () => now }
const issuer = testIssuer({ clock })
const place = { issuer, clock, origin: issuer.audience }
const key = testKey('ES256')
const certificate = clientCertificateOf(testCertificate('client.example').der)
const target = '/payments/7'

// As long as the profile lets a token live: the libraries look at the real clock, and the run takes minutes.
const claimsOf = (binding: Binding) => ({ exp: now + 3000, ...cnfOf(binding, key, certificate) })
const mint = (binding: Binding): string => issuer.mint(claimsOf(binding))

function opaque(binding: Binding): string {
  const token = `opaque-${binding}-${'x'.repeat(40)}`
  issuer.introspection.set(token, { active: true, ...issuer.claims(claimsOf(binding)) })
  return token
}

interface Contender extends Checker {
  readonly tokenOf: () => string
}

const authentication = {
  method: 'private_key_jwt',
  clientId: 'api',
  privateKey: key.privateKey,
  alg: 'ES256',
} as const
const introspection = { introspection: { authentication, cacheSeconds: 10 } }

function holdfast(binding: Binding): readonly Contender[] {
  const known = mint(binding)
  const asked = opaque(binding)
  const checker = (name: string, tokens: Parameters<typeof holdfastChecker>[3]): Checker =>
    holdfastChecker(place, binding, `Holdfast, ${name}`, tokens)
  return [
    { ...checker('JWT seen before', 'jwt'), tokenOf: () => known },
    { ...checker('JWT never seen', 'jwt'), tokenOf: () => mint(binding) },
    { ...checker('opaque, answer remembered', introspection), tokenOf: () => asked },
  ]
}

const libraries = libraryCheckers(place).map((checker): Contender => {
  const known = mint(checker.binding)
  return { ...checker, tokenOf: () => known }
})

async function measure({ binding, tokenOf, ready }: Contender): Promise<number> {
  const work = Array.from({ length: requests }, () => {
    const headers = credentialsOf(binding, { key, url: place.origin + target, token: tokenOf(), now })
    return ready({ target, headers, certificate: binding === 'certificate' ? certificate : undefined })
  })
  const before = process.cpuUsage()
  for (const one of work) await one()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / requests
}

const contenders = bindings.flatMap(binding => [
  ...holdfast(binding),
  ...libraries.filter(library => library.binding === binding),
])
const costs = await takeRounds<Contender | 'floor'>(
  ['floor', ...contenders],
  { warmUps: 8, rounds: Number(values.rounds) },
  async one => (one === 'floor' ? measureRawSignatures(requests).verifyUs : await measure(one)),
)
if (audited.count === 0) throw new Error('the audit saw nothing')

const floorUs = median(costs.get('floor') ?? [])
printTable(
  ['binding', 'who checks', 'CPU µs', 'requests per CPU second', '÷ one verification', '÷ Holdfast'],
  [
    ['none', 'one raw verification', floorUs, 1_000_000 / floorUs, 1, ''],
    ...contenders.map(contender => {
      const us = median(costs.get(contender) ?? [])
      const ours = contenders.find(({ binding }) => binding === contender.binding) ?? contender
      const { binding, name } = contender
      return [
        ...[binding, name, us, 1_000_000 / us],
        compared(costs, contender, 'floor', quotient),
        compared(costs, contender, ours, quotient),
      ]
    }),
  ],
)
