import fc from 'fast-check'
import type { TokenQuestion } from '../token/question.ts'

const names = ['accounts', 'payments', 'openid']
const text = fc.constantFrom('a', 'b"c', 'https://api.example', 'ü')
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined })
const client = fc.record({
  ...{ clientId: text, isPublic: fc.boolean(), isSelfRegistered: fc.boolean() },
  ...{ authMethod: text, profile: text },
})
const asked = fc.record({
  environment: fc.constantFrom('development', 'production'),
  time: fc.integer({ min: 0, max: 4_000_000_000 }),
  tier: text,
  scopes: fc.subarray(names),
  resources: fc.uniqueArray(text),
  detailsTypes: fc.uniqueArray(text),
})
const stated = {
  ...{ sid: maybe(text), acr: maybe(text), amr: fc.subarray(['pwd', 'otp']) },
  authAgeSeconds: maybe(fc.nat()),
}
const risk = maybe(
  fc.record({
    score: fc.integer({ min: 0, max: 100 }),
    signals: fc.uniqueArray(fc.record({ name: text, weight: fc.nat(100) }), { selector: one => one.name }),
    unknown: fc.uniqueArray(text),
  }),
)
const attributes = fc.record(
  {
    department: text,
    level: fc.integer({ min: -3, max: 3 }),
    vip: fc.boolean(),
    groups: fc.uniqueArray(text),
  },
  { requiredKeys: [] },
)
const withApproval = <T>(one: T) =>
  fc
    .constantFrom({}, { approvedBy: ['treasury'] }, { approvedBy: ['legal', 'treasury'] })
    .map(by => ({ ...one, ...by }))
/** Questions of every moment. */
export const question: fc.Arbitrary<TokenQuestion> = fc.oneof(
  fc
    .record({
      ...{ moment: fc.constant('mint' as const), client, asked, grantType: text, attributes },
      ...{ user: fc.record({ subject: maybe(text), ...stated }), risk },
      ...{ binding: fc.constantFrom('none', 'dpop', 'mtls'), lifetimeSeconds: fc.nat() },
    })
    .chain(withApproval),
  fc
    .record({
      ...{ moment: fc.constant('authorize' as const), client, asked, grantType: text },
      ...{ user: fc.record({ subject: text, ...stated }), risk },
    })
    .chain(one => attributes.chain(told => fc.constantFrom(one, { ...one, attributes: told })))
    .chain(withApproval),
  fc
    .record({
      ...{ moment: fc.constant('mint' as const), client, asked, grantType: text },
      ...{ user: fc.record({ subject: maybe(text), ...stated }), risk },
      ...{ binding: fc.constantFrom('none', 'dpop', 'mtls'), lifetimeSeconds: fc.nat() },
    })
    .chain(withApproval),
  fc.record({
    ...{ moment: fc.constant('register' as const), client, asked },
    ...{ grantTypes: fc.uniqueArray(text), redirectHosts: fc.uniqueArray(text) },
    ...{ hasSoftwareStatement: fc.boolean(), initialToken: text, isUpdate: fc.boolean() },
  }),
  fc.record({
    ...{ moment: fc.constant('access' as const), client, asked },
    // A gateway knows of no session.
    user: fc.record({ subject: maybe(text), ...stated, sid: fc.constant(undefined) }),
    ...{ binding: fc.constantFrom('none', 'dpop', 'mtls'), operation: text },
    object: fc.record({ type: text, id: text }),
  }),
)
