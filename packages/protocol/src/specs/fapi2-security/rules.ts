import type { ClientAuthenticationMethod, SecurityProfile } from '../../profile.ts'
import { fail, pass, type Rule } from '../../rule.ts'

/** A client next to the profile of everything it asks for. */
export interface TierInput {
  readonly profile: Pick<SecurityProfile, 'publicClients' | 'clientAuthenticationMethods'>
  readonly isPublic: boolean
  readonly authenticationMethod: ClientAuthenticationMethod
}

/** Asking for a stricter resource tightens the whole request: then the client itself may be too weak for it. */
export const tierRules: readonly Rule<TierInput>[] = [
  {
    id: 'tier.confidential',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-3', 'FAPI1-ADV-5.2.2-16'],
    level: 'MUST',
    title: 'only a confidential client asks for what a FAPI 2.0 profile protects',
    check: ({ profile, isPublic }) =>
      isPublic && profile.publicClients === 'forbidden'
        ? fail('unauthorized_client', 'a public client may not ask for this')
        : pass,
  },
  {
    id: 'tier.authentication-method',
    clauses: ['FAPI2-SP-FINAL-5.3.2.1-6', 'FAPI1-ADV-5.2.2-14'],
    level: 'MUST',
    title: 'the client is registered with a method that every profile in play allows',
    check: ({ profile, authenticationMethod }) =>
      profile.clientAuthenticationMethods.includes(authenticationMethod)
        ? pass
        : fail('unauthorized_client', `a client of method \`${authenticationMethod}\` may not ask for this`),
  },
]
