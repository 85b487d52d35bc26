import { fail, pass, type Rule } from '../../rule.ts'
import type { ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'
import { isHttps } from './rules.ts'

/** What the profile adds to the redirect URIs of native applications. */
export const httpsRedirectMetadataRules: readonly Rule<ClientMetadataInput>[] = [
  {
    id: 'client.redirect-uri-https',
    clauses: ['FAPI1-BASE-5.2.2-20', 'FAPI1-BASE-7.5-1', 'FAPI1-BASE-7.5-2'],
    level: 'MUST',
    title: 'where the profile wants https, no loopback address and no private-use scheme is registered',
    check: ({ metadata: { redirect_uris: uris = [] }, profile }) => {
      const index = profile.redirectUriSchemes === 'https' ? uris.findIndex(uri => !isHttps(uri)) : -1
      return index === -1
        ? pass
        : fail('invalid_redirect_uri', `profile \`${profile.name}\` wants https`, {
            field: `redirect_uris[${index}]`,
          })
    },
  },
]
