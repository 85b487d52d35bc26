import { type JwsAlg, type SecurityProfile, unlimitedAgeSeconds } from '@holdfast/protocol'
import type { ResourceServerOptions, Settings, TokenOptions } from './options.ts'

const defaultAlgs: readonly JwsAlg[] = ['ES256', 'PS256', 'EdDSA', 'Ed25519']
const defaultMethods: Settings['methods'] = ['dpop', 'mtls']

/** What a tier and the options beside it come to. */
export interface TierSettings
  extends Pick<
    Settings,
    | 'algs'
    | 'methods'
    | 'senderConstraint'
    | 'proofAgeSeconds'
    | 'futureSeconds'
    | 'lifetimeSecondsMax'
    | 'tierMaxAgeSeconds'
  > {}

/**
 * An API enforces the record that the issuer enforces, so the two cannot drift apart.
 * @throws TypeError that names the option, when one is looser than the tier
 */
export function settingsOfTier(options: ResourceServerOptions): TierSettings {
  const { profile } = options
  if (profile === undefined)
    return {
      algs: options.algs ?? defaultAlgs,
      methods: options.senderConstraintMethods ?? defaultMethods,
      senderConstraint: options.senderConstraint ?? 'required',
      proofAgeSeconds: options.proofAgeSeconds ?? 60,
      futureSeconds: options.futureSeconds ?? 30,
      lifetimeSecondsMax: Number.POSITIVE_INFINITY,
      tierMaxAgeSeconds: undefined,
    }
  const { authenticationMaxAgeSeconds: maxAge } = profile
  return {
    algs: subset('algs', options.algs, profile.signingAlgs, profile),
    methods: subset(
      'senderConstraintMethods',
      options.senderConstraintMethods,
      profile.senderConstraintMethods,
      profile,
    ),
    senderConstraint: constraintOf(options.senderConstraint, profile),
    proofAgeSeconds: atMost('proofAgeSeconds', options.proofAgeSeconds, profile.proofAgeSeconds, profile),
    futureSeconds: atMost('futureSeconds', options.futureSeconds, profile.futureSeconds, profile),
    lifetimeSecondsMax: profile.accessTokenLifetimeSeconds,
    tierMaxAgeSeconds: maxAge >= unlimitedAgeSeconds ? undefined : maxAge,
  }
}

/** Where the tier wants introspection answers signed, the issuer sends no others, and nothing else is taken here. */
export function signedByTier(tokens: TokenOptions, profile: SecurityProfile | undefined): TokenOptions {
  const { introspection } = tokens
  if (introspection === undefined || profile?.signedIntrospection !== 'required') return tokens
  if (introspection.signedAnswers === 'off') return looser('signedAnswers', profile)
  return { ...tokens, introspection: { ...introspection, signedAnswers: 'required' } }
}

function constraintOf(
  option: ResourceServerOptions['senderConstraint'],
  profile: SecurityProfile,
): Settings['senderConstraint'] {
  if (option === undefined) return profile.senderConstraint
  return option === 'allowed' && profile.senderConstraint === 'required'
    ? looser('senderConstraint', profile)
    : option
}

function subset<T>(
  name: string,
  option: readonly T[] | undefined,
  most: readonly T[],
  profile: SecurityProfile,
): readonly T[] {
  if (option === undefined) return most
  return option.every(value => most.includes(value)) ? option : looser(name, profile)
}

function atMost(name: string, option: number | undefined, most: number, profile: SecurityProfile): number {
  if (option === undefined) return most
  return option <= most ? option : looser(name, profile)
}

function looser(name: string, { name: tier }: SecurityProfile): never {
  throw new TypeError(`${name}: is looser than the profile \`${tier}\``)
}
