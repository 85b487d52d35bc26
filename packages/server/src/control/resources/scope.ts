import { z } from 'zod'

export const scopeSpec = z.strictObject({
  /** Short plain words for the consent page. */
  title: z.string().min(1).max(80),
  description: z.string().min(1).max(400),
  /** Claims about the user that this scope releases. */
  claims: z.array(z.string().min(1).max(64)).max(64).default([]),
})

export type ScopeSpec = z.infer<typeof scopeSpec>

/** OpenID Connect Core 5.4 and 11; a Scope document of the same name replaces the words. */
export const standardScopes: readonly (ScopeSpec & { readonly name: string })[] = [
  {
    name: 'openid',
    title: 'Know that it is you',
    description: 'Sign you in and recognise you when you come back.',
    claims: [],
  },
  {
    name: 'profile',
    title: 'See your name and profile',
    description: 'Read your name, picture, birthday, language and other details of your profile.',
    claims: [
      'name',
      'family_name',
      'given_name',
      'middle_name',
      'nickname',
      'preferred_username',
      'profile',
      'picture',
      'website',
      'gender',
      'birthdate',
      'zoneinfo',
      'locale',
      'updated_at',
    ],
  },
  {
    name: 'email',
    title: 'See your e-mail address',
    description: 'Read your e-mail address and whether it was confirmed.',
    claims: ['email', 'email_verified'],
  },
  {
    name: 'address',
    title: 'See your postal address',
    description: 'Read your postal address.',
    claims: ['address'],
  },
  {
    name: 'phone',
    title: 'See your phone number',
    description: 'Read your phone number and whether it was confirmed.',
    claims: ['phone_number', 'phone_number_verified'],
  },
  {
    name: 'global_token_revocation',
    title: 'End all access of any user',
    description: 'For incident and identity systems: ends every session and permission of a user.',
    claims: [],
  },
  {
    name: 'grant_management_query',
    title: 'See what you have allowed it',
    description: 'Read what its permissions cover.',
    claims: [],
  },
  {
    name: 'grant_management_revoke',
    title: 'Give back what you have allowed it',
    description: 'End its permissions.',
    claims: [],
  },
  {
    name: 'offline_access',
    title: 'Keep access while you are away',
    description: 'Use what you allow here also when you are not using the application.',
    claims: [],
  },
]
