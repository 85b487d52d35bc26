import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type EpochSeconds, epochSeconds } from '@holdfast/protocol'
import fc from 'fast-check'
import { defaultWeights, type RiskRules, defaultRiskRules as rules } from '../../snapshot/risk-rules.ts'
import type { FoundSighting } from '../../store/records.ts'
import type { ClientFacts, SignInFacts } from './facts.ts'
import { judgeSignals, scoreMax, scoreOf, unjudged } from './score.ts'
import type { Verdict } from './signal.ts'
import { barredCountry } from './signals/barred-country.ts'
import { distanceKilometres } from './signals/impossible-travel.ts'
import { clientSignals, signInSignals } from './signals/index.ts'

/** 15 January 2027, 08:00:00 UTC. */
const now = epochSeconds(1_800_000_000)
const ago = (seconds: number): EpochSeconds => epochSeconds(now - seconds)
const day = 86_400
const seen = (
  what: FoundSighting['what'],
  item: string,
  more: Partial<FoundSighting> = {},
): FoundSighting => ({
  ...{ what, item, count: 1, firstAt: ago(30 * day), lastAt: ago(day), isConfirmed: false },
  ...more,
})
const berlin = { latitude: 53, longitude: 13 }
const paris = { latitude: 49, longitude: 2 }
const france = { code: 'FR', item: 'france' }
const sydney = { latitude: -34, longitude: 151 }
const hours = Array.from({ length: 20 }, (_, index) => seen('hour', String(index % 2 === 0 ? 7 : 9)))

/** Somebody known, where and when they always come. */
const usual: SignInFacts = {
  ...{ now, device: 'laptop', network: 'home', place: berlin, signIns: 1, failures: 0, networkFailures: 0 },
  country: { code: 'DE', item: 'germany' },
  seen: [
    seen('device', 'laptop'),
    seen('network', 'home'),
    seen('country', 'germany'),
    seen('place', '', { place: berlin }),
    seen('hour', '8', { count: 20 }),
  ],
}

const ordinary: ClientFacts = {
  ...{ now, isPublic: false, authMethod: 'private_key_jwt', isBoundByProfile: true },
  ...{ registeredAt: ago(400 * day), key: 'k1', seen: [seen('key', 'k1')], credentialEndsAt: 'never' },
  ...{ clientTokens: 0, userTokens: 0 },
}

const without = (what: string): readonly FoundSighting[] => usual.seen.filter(one => one.what !== what)
const but = (...sightings: readonly FoundSighting[]): readonly FoundSighting[] => [
  ...usual.seen.filter(one => !sightings.some(({ what }) => what === one.what)),
  ...sightings,
]
const placed = (place: typeof berlin, secondsAgo: number): FoundSighting =>
  seen('place', '', { place, lastAt: ago(secondsAgo) })

const ofSignIn: readonly (readonly [keyof typeof defaultWeights, Verdict, string, Partial<SignInFacts>])[] = [
  ['new-device', 'quiet', 'the known browser', {}],
  ['new-device', 'raised', 'another one', { device: 'phone' }],
  ['new-device', 'raised', 'one without a cookie', { device: undefined }],
  ['new-device', 'unknown', 'the first sign-in', { seen: without('device') }],
  [
    'new-device',
    'unknown',
    'nothing known yet',
    { seen: but(seen('device', 'x', { firstAt: ago(day - 1) })) },
  ],
  ['new-device', 'quiet', 'known for a day', { seen: but(seen('device', 'laptop', { firstAt: ago(day) })) }],
  [
    'new-device',
    'raised',
    'a second short of known',
    {
      device: 'phone',
      seen: [...usual.seen, seen('device', 'phone', { firstAt: ago(day - 1) })],
    },
  ],
  [
    'new-device',
    'quiet',
    'confirmed just now',
    { device: 'phone', seen: [...usual.seen, seen('device', 'phone', { firstAt: now, isConfirmed: true })] },
  ],
  ['new-network', 'quiet', 'the known network', {}],
  ['new-network', 'raised', 'another one', { network: 'café' }],
  ['new-network', 'unknown', 'no address', { network: undefined }],
  ['new-network', 'unknown', 'the first sign-in', { seen: without('network') }],
  ['new-country', 'quiet', 'the known country', {}],
  ['new-country', 'raised', 'another one', { country: france }],
  ['new-country', 'unknown', 'no geography', { country: undefined }],
  ['new-country', 'unknown', 'the first sign-in', { seen: without('country') }],
  [
    'new-country',
    'raised',
    'a second short of known',
    { country: france, seen: [...usual.seen, seen('country', 'france', { firstAt: ago(day - 1) })] },
  ],
  [
    'new-country',
    'quiet',
    'known for a day',
    { country: france, seen: [...usual.seen, seen('country', 'france', { firstAt: ago(day) })] },
  ],
  ['impossible-travel', 'quiet', 'the same place', {}],
  ['impossible-travel', 'unknown', 'no geography', { place: undefined }],
  ['impossible-travel', 'unknown', 'no place before', { seen: without('place') }],
  ['impossible-travel', 'raised', 'Sydney within a day', { seen: but(placed(sydney, 17 * 3600)) }],
  ['impossible-travel', 'quiet', 'Sydney within two', { seen: but(placed(sydney, 2 * day)) }],
  ['impossible-travel', 'raised', 'Paris at the same second', { seen: but(placed(paris, 0)) }],
  ['impossible-travel', 'raised', 'Paris in the future', { seen: but(placed(paris, -60)) }],
  [
    'impossible-travel',
    'quiet',
    'next door at once',
    { seen: but(placed({ latitude: 51, longitude: 13 }, 0)) },
  ],
  ['many-sign-ins', 'quiet', 'ten', { signIns: 10 }],
  ['many-sign-ins', 'raised', 'eleven', { signIns: 11 }],
  ['failed-attempts', 'quiet', 'three', { failures: 3 }],
  ['failed-attempts', 'raised', 'four', { failures: 4 }],
  ['failing-network', 'quiet', 'twenty', { networkFailures: 20 }],
  ['failing-network', 'raised', 'twenty-one', { networkFailures: 21 }],
  ['failing-network', 'unknown', 'no address', { networkFailures: undefined }],
  ['unusual-hour', 'quiet', 'the hour itself', {}],
  ['unusual-hour', 'quiet', 'the hours beside it', { seen: hours }],
  ['unusual-hour', 'unknown', 'nineteen sign-ins', { seen: hours.slice(1) }],
  [
    'unusual-hour',
    'raised',
    'two hours away',
    { seen: [seen('hour', '6', { count: 19 }), seen('hour', '10')] },
  ],
  [
    'unusual-hour',
    'quiet',
    'over midnight',
    { now: epochSeconds(now + 15 * 3600 + 1800), seen: [seen('hour', '0', { count: 20 })] },
  ],
]

const ofClient: readonly (readonly [keyof typeof defaultWeights, Verdict, string, Partial<ClientFacts>])[] = [
  ['many-user-tokens', 'quiet', 'as many as may be', { userTokens: 120 }],
  ['many-user-tokens', 'raised', 'one more', { userTokens: 121 }],
  ['many-user-tokens', 'unknown', 'no user', { userTokens: undefined }],
  ['many-client-tokens', 'quiet', 'as many as may be', { clientTokens: 10_000 }],
  ['many-client-tokens', 'raised', 'one more', { clientTokens: 10_001 }],
  ['public-client', 'quiet', 'a confidential client', {}],
  ['public-client', 'raised', 'a public one', { isPublic: true }],
  ['shared-secret', 'quiet', 'a key of its own', {}],
  ['shared-secret', 'quiet', 'nothing at all', { authMethod: 'none' }],
  ['shared-secret', 'raised', 'a secret in a header', { authMethod: 'client_secret_basic' }],
  ['shared-secret', 'raised', 'a secret in the form', { authMethod: 'client_secret_post' }],
  ['shared-secret', 'raised', 'a secret that signs', { authMethod: 'client_secret_jwt' }],
  ['loose-profile', 'quiet', 'bound tokens', {}],
  ['loose-profile', 'raised', 'tokens for whoever holds them', { isBoundByProfile: false }],
  ['young-client', 'quiet', 'a week', { registeredAt: ago(7 * day) }],
  ['young-client', 'raised', 'a second less', { registeredAt: ago(7 * day - 1) }],
  ['young-client', 'unknown', 'an operator wrote it', { registeredAt: undefined }],
  ['new-client-key', 'quiet', 'the key it has', {}],
  ['new-client-key', 'raised', 'another key', { key: 'k2' }],
  ['new-client-key', 'unknown', 'its first key', { seen: [] }],
  ['new-client-key', 'unknown', 'no key here', { key: undefined }],
  ['expiring-credential', 'quiet', 'never', {}],
  ['expiring-credential', 'quiet', 'in two weeks', { credentialEndsAt: ago(-14 * day) }],
  ['expiring-credential', 'raised', 'a second sooner', { credentialEndsAt: ago(1 - 14 * day) }],
  ['expiring-credential', 'unknown', 'not known here', { credentialEndsAt: undefined }],
]

/** Lists of an issuer, and what a user from Germany, from France and from nowhere known is by them. */
const barred: readonly (readonly [
  string,
  Partial<Pick<RiskRules, 'blockedCountries' | 'allowedCountries'>>,
  readonly Verdict[],
])[] = [
  ['no list', {}, ['quiet', 'quiet', 'quiet']],
  ['France blocked', { blockedCountries: ['AU', 'FR'] }, ['quiet', 'raised', 'unknown']],
  ['Germany allowed', { allowedCountries: ['AT', 'DE'] }, ['quiet', 'raised', 'unknown']],
  [
    'both allowed and France blocked',
    { allowedCountries: ['DE', 'FR'], blockedCountries: ['FR'] },
    ['quiet', 'raised', 'unknown'],
  ],
  ['neither allowed', { allowedCountries: ['AT'] }, ['raised', 'raised', 'unknown']],
]

describe('signals of risk', () => {
  for (const [name, lists, verdicts] of barred)
    it(`barred-country: with ${name}`, () => {
      const places = [usual.country, france, undefined]
      assert.deepEqual(
        places.map(country => barredCountry.judge({ ...usual, country }, { ...rules, ...lists })),
        verdicts,
      )
    })
  for (const [name, verdict, title, spoil] of ofSignIn)
    it(`${name}: ${title} is ${verdict}`, () => {
      const signal = signInSignals.find(one => one.name === name)
      assert.equal(signal?.judge({ ...usual, ...spoil }, rules), verdict)
    })
  for (const [name, verdict, title, spoil] of ofClient)
    it(`${name}: ${title} is ${verdict}`, () => {
      const signal = clientSignals.find(one => one.name === name)
      assert.equal(signal?.judge({ ...ordinary, ...spoil }, rules), verdict)
    })

  it('each has its weight, and stands once', () => {
    const names = [...signInSignals, ...clientSignals].map(({ name }) => name)
    assert.deepEqual(names.toSorted(), Object.keys(defaultWeights).toSorted())
    for (const [name] of [...ofSignIn, ...ofClient])
      for (const verdict of ['quiet', 'raised'])
        assert.ok(
          [...ofSignIn, ...ofClient].some(one => one[0] === name && one[1] === verdict),
          name,
        )
  })

  it('distances are those of a globe', () => {
    const near = (kilometres: number, expected: number): void =>
      assert.ok(Math.abs(kilometres - expected) < expected * 0.01, String(kilometres))
    near(distanceKilometres({ latitude: 0, longitude: 0 }, { latitude: 0, longitude: 90 }), 10_007)
    near(distanceKilometres({ latitude: 90, longitude: 0 }, { latitude: -90, longitude: 7 }), 20_015)
    near(distanceKilometres({ latitude: 0, longitude: 179 }, { latitude: 0, longitude: -179 }), 222)
    assert.equal(distanceKilometres(berlin, berlin), 0)
  })
})

const judge = (signIn: SignInFacts, client: ClientFacts) =>
  scoreOf([judgeSignals(signInSignals, signIn, rules), judgeSignals(clientSignals, client, rules)], rules)

/** Each makes one thing worse, whatever else is so. */
const worse: readonly ((facts: SignInFacts) => SignInFacts)[] = [
  facts => ({ ...facts, signIns: facts.signIns + 1 }),
  facts => ({ ...facts, failures: facts.failures + 1 }),
  facts => ({ ...facts, networkFailures: (facts.networkFailures ?? 0) + 1 }),
  facts => ({ ...facts, device: undefined }),
  facts => ({ ...facts, device: 'a stranger' }),
  facts => (facts.network === undefined ? facts : { ...facts, network: 'a stranger' }),
  facts => (facts.country === undefined ? facts : { ...facts, country: { code: 'XX', item: 'a stranger' } }),
]
const worseClient: readonly ((facts: ClientFacts) => ClientFacts)[] = [
  facts => ({ ...facts, clientTokens: facts.clientTokens + 1 }),
  facts => ({ ...facts, userTokens: (facts.userTokens ?? 0) + 1 }),
  facts => ({ ...facts, isPublic: true }),
  facts => ({ ...facts, isBoundByProfile: false }),
  facts => ({ ...facts, registeredAt: now }),
  facts => ({ ...facts, credentialEndsAt: now }),
  facts => (facts.key === undefined ? facts : { ...facts, key: 'a stranger' }),
]

const sighting = fc.record({
  what: fc.constantFrom<FoundSighting['what'][]>('device', 'network', 'country', 'hour', 'key'),
  item: fc.constantFrom('laptop', 'home', 'k1', '8', '20'),
  count: fc.integer({ min: 1, max: 30 }),
  firstAt: fc.integer({ min: 0, max: 3 * day }).map(ago),
  lastAt: fc.integer({ min: 0, max: day }).map(ago),
  isConfirmed: fc.boolean(),
})
const place = fc.record({
  latitude: fc.integer({ min: -90, max: 90 }),
  longitude: fc.integer({ min: -180, max: 180 }),
})
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined })
const signIn: fc.Arbitrary<SignInFacts> = fc.record({
  now: fc.constant(now),
  device: maybe(fc.constantFrom('laptop', 'phone')),
  network: maybe(fc.constantFrom('home', 'café')),
  place: maybe(place),
  country: maybe(fc.constantFrom(france, { code: 'DE', item: 'home' })),
  seen: fc
    .tuple(fc.array(sighting), maybe(place))
    .map(([all, last]) => (last === undefined ? all : [...all, placed(last, 3600)])),
  signIns: fc.nat(20),
  failures: fc.nat(8),
  networkFailures: maybe(fc.nat(40)),
})
const client: fc.Arbitrary<ClientFacts> = fc.record({
  now: fc.constant(now),
  isPublic: fc.boolean(),
  authMethod: fc.constantFrom('none', 'private_key_jwt', 'client_secret_jwt'),
  isBoundByProfile: fc.boolean(),
  registeredAt: maybe(fc.nat(30 * day).map(ago)),
  key: maybe(fc.constantFrom('k1', 'k2')),
  seen: fc.array(sighting),
  credentialEndsAt: maybe(
    fc.oneof(
      fc.constant('never' as const),
      fc.nat(30 * day).map(at => ago(-at)),
    ),
  ),
  clientTokens: fc.nat(20_000),
  userTokens: maybe(fc.nat(240)),
})

describe('the score', () => {
  it('is never less because something is worse', () => {
    fc.assert(
      fc.property(signIn, client, (user, machine) => {
        const before = judge(user, machine).score
        for (const spoil of worse) assert.ok(judge(spoil(user), machine).score >= before)
        for (const spoil of worseClient) assert.ok(judge(user, spoil(machine)).score >= before)
      }),
    )
  })

  it('is the sum of what it names, a hundred at most, and the same every time', () => {
    fc.assert(
      fc.property(signIn, client, (user, machine) => {
        const { score, signals, unknown } = judge(user, machine)
        const sum = signals.reduce((total, { weight }) => total + weight, 0)
        assert.equal(score, Math.min(scoreMax, sum))
        assert.ok(Number.isSafeInteger(score))
        assert.deepEqual(
          signals.filter(({ name }) => unknown.includes(name)),
          [],
        )
        assert.deepEqual(judge(user, machine), { score, signals, unknown })
      }),
    )
  })

  it('a weight of nothing is named and adds nothing; a name nobody knows any more neither', () => {
    const silent = { ...rules, weights: { ...defaultWeights, 'new-device': 0 } }
    const judged = [{ signals: ['new-device', 'new-network', 'toString'], unknown: ['unusual-hour'] }]
    assert.deepEqual(scoreOf(judged, silent), {
      score: 15,
      signals: [
        { name: 'new-device', weight: 0 },
        { name: 'new-network', weight: 15 },
        { name: 'toString', weight: 0 },
      ],
      unknown: ['unusual-hour'],
    })
  })

  it('of somebody known it is nought, and of nobody everything is unknown', () => {
    assert.deepEqual(judge(usual, ordinary), { score: 0, signals: [], unknown: [] })
    assert.deepEqual(unjudged(signInSignals), {
      signals: [],
      unknown: signInSignals.map(({ name }) => name),
    })
  })
})
