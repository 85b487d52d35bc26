import { z } from 'zod'
import { acrDemand } from '../acr-demand.ts'

const words = {
  /** Short plain words for the consent page. */
  title: z.string().min(1).max(80),
  description: z.string().min(1).max(400),
}

export const scopeSpec = z.strictObject({
  ...words,
  /** The same in the other languages of the pages; a language that is missing shows the words above. */
  translations: z.strictObject({ de: z.strictObject(words).optional() }).default({}),
  /** Claims about the user that this scope releases. */
  claims: z.array(z.string().min(1).max(64)).max(64).default([]),
  ...acrDemand,
  /** Asking for this scope tightens the whole request to this profile. */
  profile: z.string().optional(),
})

export type ScopeSpec = z.infer<typeof scopeSpec>

/** OpenID Connect Core 5.4 and 11; a Scope document of the same name replaces the words. */
export const standardScopes: readonly (Omit<ScopeSpec, 'profile'> & { readonly name: string })[] = [
  {
    name: 'openid',
    title: 'Know that it is you',
    description: 'Sign you in and recognise you when you come back.',
    translations: {
      de: {
        title: 'wissen, dass Sie es sind',
        description: 'Sie anmelden und wiedererkennen, wenn Sie zurückkommen.',
      },
    },
    claims: [],
  },
  {
    name: 'profile',
    title: 'See your name and profile',
    description: 'Read your name, picture, birthday, language and other details of your profile.',
    translations: {
      de: {
        title: 'Ihren Namen und Ihr Profil sehen',
        description: 'Name, Bild, Geburtstag, Sprache und weitere Angaben Ihres Profils lesen.',
      },
    },
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
    translations: {
      de: {
        title: 'Ihre E-Mail-Adresse sehen',
        description: 'Ihre E-Mail-Adresse lesen und ob sie bestätigt wurde.',
      },
    },
    claims: ['email', 'email_verified'],
  },
  {
    name: 'address',
    title: 'See your postal address',
    description: 'Read your postal address.',
    translations: {
      de: {
        title: 'Ihre Postanschrift sehen',
        description: 'Ihre Postanschrift lesen.',
      },
    },
    claims: ['address'],
  },
  {
    name: 'phone',
    title: 'See your phone number',
    description: 'Read your phone number and whether it was confirmed.',
    translations: {
      de: {
        title: 'Ihre Telefonnummer sehen',
        description: 'Ihre Telefonnummer lesen und ob sie bestätigt wurde.',
      },
    },
    claims: ['phone_number', 'phone_number_verified'],
  },
  {
    name: 'global_token_revocation',
    title: 'End all access of any user',
    description: 'For incident and identity systems: ends every session and permission of a user.',
    translations: {
      de: {
        title: 'Jeden Zugriff eines Benutzers beenden',
        description:
          'Für Systeme, die auf Vorfälle reagieren: beendet jede Sitzung und jede Erlaubnis eines Benutzers.',
      },
    },
    claims: [],
  },
  {
    name: 'access_evaluation',
    title: 'Ask who may do what',
    description: 'For gateways and APIs: asks the decision point about any user.',
    translations: {
      de: {
        title: 'Fragen, wer was darf',
        description: 'Für Gateways und Schnittstellen: fragt die Entscheidungsstelle über jeden Benutzer.',
      },
    },
    claims: [],
  },
  {
    name: 'grant_management_query',
    title: 'See what you have allowed it',
    description: 'Read what its permissions cover.',
    translations: {
      de: {
        title: 'Sehen, was Sie erlaubt haben',
        description: 'Lesen, was die eigenen Berechtigungen umfassen.',
      },
    },
    claims: [],
  },
  {
    name: 'grant_management_revoke',
    title: 'Give back what you have allowed it',
    description: 'End its permissions.',
    translations: {
      de: { title: 'Zurückgeben, was Sie erlaubt haben', description: 'Die eigenen Berechtigungen beenden.' },
    },
    claims: [],
  },
  {
    name: 'offline_access',
    title: 'Keep access while you are away',
    description: 'Use what you allow here also when you are not using the application.',
    translations: {
      de: {
        title: 'Zugriff behalten, während Sie nicht da sind',
        description:
          'Was Sie hier erlauben, auch dann nutzen, wenn Sie die Anwendung gerade nicht verwenden.',
      },
    },
    claims: [],
  },
]
