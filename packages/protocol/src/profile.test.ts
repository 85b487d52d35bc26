import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  contradictions,
  explain,
  headerAlgs,
  isAtLeastAsStrict,
  meet,
  meetUnchecked,
  profileFields,
  profileLattice,
  responseTypesOf,
  type SecurityProfile,
} from './profile.ts'
import { fapi1Advanced } from './profiles/fapi1-advanced.ts'
import { fapi2MessageSigning } from './profiles/fapi2-message-signing.ts'
import { fapi2Security } from './profiles/fapi2-security.ts'
import { profiles, tiers } from './profiles/index.ts'
import { oauth21 } from './profiles/oauth21.ts'
import { oidcBaseline } from './profiles/oidc-baseline.ts'

const universes: Readonly<Record<string, readonly string[]>> = {
  clientAuthenticationMethods: ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'none'],
  signingAlgs: ['PS256', 'ES256', 'EdDSA', 'Ed25519', 'RS256', 'ML-DSA-65'],
  senderConstraintMethods: ['dpop', 'mtls'],
  responseTypes: ['code', 'code id_token'],
}

const anyProfile: fc.Arbitrary<SecurityProfile> = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c'),
    ...Object.fromEntries(
      profileFields.map(field => {
        const lattice = profileLattice[field]
        if (lattice.kind === 'ordered') return [field, fc.constantFrom(...lattice.strictestFirst)]
        if (lattice.kind === 'smallest') return [field, fc.integer({ min: lattice.least, max: lattice.most })]
        return [field, fc.uniqueArray(fc.constantFrom(...(universes[field] ?? [])))]
      }),
    ),
  })
  .map(record => normal(record as unknown as SecurityProfile))

/** Lists are sets: compare them sorted. */
function normal(profile: SecurityProfile): SecurityProfile {
  return {
    ...profile,
    clientAuthenticationMethods: profile.clientAuthenticationMethods.toSorted(),
    signingAlgs: profile.signingAlgs.toSorted(),
    responseTypes: profile.responseTypes.toSorted(),
    senderConstraintMethods: profile.senderConstraintMethods.toSorted(),
  }
}

function isAsStrict(left: SecurityProfile, right: SecurityProfile): boolean {
  return profileFields.every(field => {
    const lattice = profileLattice[field]
    if (lattice.kind === 'smallest') return (left[field] as number) <= (right[field] as number)
    if (lattice.kind === 'intersection')
      return (left[field] as readonly string[]).every(value =>
        (right[field] as readonly string[]).includes(value),
      )
    const rank = (value: unknown): number => lattice.strictestFirst.indexOf(value as string)
    return rank(left[field]) <= rank(right[field])
  })
}

describe('meet', () => {
  it('is associative, commutative and idempotent', () => {
    fc.assert(
      fc.property(anyProfile, anyProfile, anyProfile, (a, b, c) => {
        assert.deepEqual(
          normal(meetUnchecked(meetUnchecked(a, b), c)),
          normal(meetUnchecked(a, meetUnchecked(b, c))),
        )
        assert.deepEqual(normal(meetUnchecked(a, b)), normal(meetUnchecked(b, a)))
        assert.ok(isAtLeastAsStrict(meetUnchecked(a, b), a) && isAtLeastAsStrict(a, a))
        assert.equal(isAtLeastAsStrict(a, b), isAsStrict(a, b))
        assert.deepEqual(normal(meetUnchecked(a, a)), normal(a))
      }),
    )
  })

  it('never loosens either side', () => {
    fc.assert(
      fc.property(anyProfile, anyProfile, (a, b) => {
        const met = meetUnchecked(a, b)
        assert.ok(isAsStrict(met, a))
        assert.ok(isAsStrict(met, b))
      }),
    )
  })

  it('of a plain OpenID floor and a FAPI client is the FAPI profile in every field', () => {
    const met = meet([oidcBaseline, fapi2Security])
    assert.ok(met.ok)
    assert.deepEqual(normal({ ...met.value, name: 'fapi2-security' }), normal(fapi2Security))
    assert.equal(met.value.name, 'fapi2-security+oidc-baseline')
  })

  it('of a plain OpenID floor and FAPI 1.0 Advanced is the latter, but for the audience of assertions', () => {
    const met = meet([oidcBaseline, fapi1Advanced])
    assert.ok(met.ok)
    const expected: SecurityProfile = { ...fapi1Advanced, assertionAudience: 'issuer-sole' }
    assert.deepEqual(normal({ ...met.value, name: 'fapi1-advanced' }), normal(expected))
    assert.deepEqual(responseTypesOf(met.value), ['code', 'code id_token'])
  })

  it('gives `code id_token` to nothing but FAPI 1.0 Advanced, and takes it away at a FAPI 2.0 floor', () => {
    for (const profile of profiles.values())
      assert.equal(
        responseTypesOf(profile).includes('code id_token'),
        profile === fapi1Advanced,
        profile.name,
      )
    for (const other of [fapi2Security, fapi2MessageSigning, oauth21]) {
      const met = meet([other, fapi1Advanced])
      assert.ok(met.ok, other.name)
      assert.deepEqual(responseTypesOf(met.value), ['code'], other.name)
    }
    fc.assert(
      fc.property(anyProfile, anyProfile, (a, b) => {
        const met = meetUnchecked(a, b)
        if (!responseTypesOf(met).includes('code id_token')) return
        assert.ok(met.senderConstraint === 'required' && met.signedRequestObjects === 'required')
        assert.equal(met.publicClients, 'forbidden')
      }),
    )
  })

  it('gives a FAPI 1.0 Advanced client five minutes for bound tokens, and nobody an unbound one', () => {
    const met = meet([oidcBaseline, fapi1Advanced])
    assert.ok(met.ok)
    assert.equal(met.value.accessTokenLifetimeSeconds, 300)
    assert.equal(met.value.senderConstraint, 'required')
    assert.deepEqual(met.value.senderConstraintMethods, ['mtls'])
  })

  it('names the contradiction when no response type is left', () => {
    const tokenOnly: SecurityProfile = {
      ...fapi1Advanced,
      name: 'token-only',
      responseTypes: ['code id_token'],
    }
    assert.ok(meet([oidcBaseline, tokenOnly]).ok)
    for (const other of [fapi2Security, fapi2MessageSigning]) {
      const met = meet([other, tokenOnly])
      assert.match(met.ok ? '' : met.reason, /no response type is left/)
    }
    const jarmOnly = contradictions({ ...tokenOnly, signedAuthorizationResponses: 'required' })
    assert.match(jarmOnly.join(), /signed by JARM, and the response type `code` is not left/)
  })

  it('names the contradiction when nothing is left', () => {
    const bearerOnly: SecurityProfile = { ...oauth21, name: 'no-binding', senderConstraintMethods: [] }
    const met = meet([fapi2Security, bearerOnly])
    assert.ok(!met.ok)
    assert.equal(met.ruleId, 'profile.contradiction')
    assert.match(met.reason, /a sender constraint is required and no method is left/)
  })
})

describe('the risk tiers', () => {
  it('each tighten the one before, in every field', () => {
    for (const [index, tier] of tiers.entries()) {
      const before = tiers[index - 1]
      if (before !== undefined) assert.ok(isAsStrict(tier, before), `${tier.name} and ${before.name}`)
    }
  })

  it('say what the threat model promises: ten minutes to read, five to write, bound and confidential from tier 2', () => {
    const lifetimes = tiers.map(tier => tier.accessTokenLifetimeSeconds)
    assert.deepEqual(lifetimes, [600, 600, 600, 300, 120])
    for (const tier of tiers.slice(2)) {
      assert.equal(tier.senderConstraint, 'required')
      assert.equal(tier.publicClients, 'forbidden')
      assert.equal(tier.pushedAuthorizationRequests, 'required')
    }
    assert.equal(tiers[4]?.signedRequestObjects, 'required')
  })

  it('meet any profile without loosening it, in whatever order they are met', () => {
    const anyTiers = fc.shuffledSubarray([...tiers])
    fc.assert(
      fc.property(anyProfile, anyTiers, anyTiers, (profile, some, more) => {
        const met = [profile, ...some, ...more].reduce(meetUnchecked)
        assert.deepEqual(normal(met), normal([...more, ...some, profile].reduce(meetUnchecked)))
        for (const one of [profile, ...some, ...more]) assert.ok(isAsStrict(met, one))
      }),
    )
  })
})

describe('contradictions', () => {
  it('finds none in the shipped profiles', () => {
    assert.deepEqual(
      [...profiles.keys()],
      [
        ...[
          'fapi2-security',
          'fapi2-message-signing',
          'fapi1-advanced',
          'fapi-ciba',
          'oauth21',
          'oidc-baseline',
          'oauth21-post-quantum',
          'oidc-baseline-post-quantum',
        ],
        ...['tier-0-public', 'tier-1-low-risk-user', 'tier-2-sensitive-read'],
        ...['tier-3-sensitive-write', 'tier-4-high-value'],
      ],
    )
    for (const profile of profiles.values()) assert.deepEqual(contradictions(profile), [])
  })

  it('without a nonce a token lives ten minutes at most: profiles only tighten, and none shipped says more', () => {
    for (const { dpopNonce, accessTokenLifetimeSeconds } of profiles.values())
      assert.ok(dpopNonce === 'required' || accessTokenLifetimeSeconds <= 600)
  })

  for (const [seconds, count] of [
    [4, 1],
    [5, 0],
    [60, 0],
    [61, 1],
  ] as const)
    it(`says a code lifetime of ${seconds} s is ${count === 0 ? 'sound' : 'out of bounds'}`, () => {
      assert.equal(contradictions({ ...fapi2Security, codeLifetimeSeconds: seconds }).length, count)
    })

  for (const [seconds, count] of [
    [599, 0],
    [600, 1],
  ] as const)
    it(`says a request_uri lifetime of ${seconds} s is ${count === 0 ? 'sound' : 'out of bounds'}`, () => {
      assert.equal(contradictions({ ...fapi2Security, requestUriLifetimeSeconds: seconds }).length, count)
    })

  it('finds an unknown word, an empty algorithm list and an empty method list', () => {
    const spoiled = {
      ...fapi2Security,
      pkce: 'sometimes',
      signingAlgs: [],
      clientAuthenticationMethods: [],
    } as unknown as SecurityProfile
    assert.equal(contradictions(spoiled).length, 3)
  })
})

describe('explain', () => {
  it('names who decided each value', () => {
    const rows = explain([oidcBaseline, fapi2Security])
    const row = (field: string) => rows.find(candidate => candidate.field === field)
    assert.deepEqual(row('pkce'), { field: 'pkce', value: 'required', origins: ['fapi2-security'] })
    assert.deepEqual(row('accessTokenLifetimeSeconds')?.origins, ['fapi2-security'])
    assert.deepEqual(row('codeLifetimeSeconds')?.origins, ['oidc-baseline', 'fapi2-security'])
  })
})

describe('algorithms of what travels in a header', () => {
  it('are all but the post-quantum ones', () => {
    assert.deepEqual(headerAlgs(['ML-DSA-44', 'ES256', 'ML-DSA-65', 'Ed25519', 'ML-DSA-87']), [
      'ES256',
      'Ed25519',
    ])
    for (const { signingAlgs, name } of profiles.values())
      if (!name.endsWith('-post-quantum')) assert.deepEqual(headerAlgs(signingAlgs), signingAlgs)
  })

  it('are needed where DPoP is the only way to bind a token', () => {
    const bound = { ...profiles.get('oauth21-post-quantum'), senderConstraint: 'required' } as SecurityProfile
    const large: SecurityProfile = { ...bound, signingAlgs: ['ML-DSA-65'] }
    const says = ['a DPoP proof is required and no algorithm is left that fits its header']
    assert.deepEqual(contradictions({ ...large, senderConstraintMethods: ['dpop'] }), says)
    assert.deepEqual(contradictions({ ...bound, senderConstraintMethods: ['dpop'] }), [])
    assert.deepEqual(contradictions(large), [])
    assert.deepEqual(contradictions({ ...large, senderConstraint: 'allowed' }), [])
  })
})
