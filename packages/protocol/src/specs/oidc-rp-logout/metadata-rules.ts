import { fail, pass, type Rule } from '../../rule.ts'
import type { ClientMetadataInput } from '../rfc7591-client-metadata/metadata.ts'
import { malformedRedirectUri, unfitRedirectUri } from '../rfc7591-client-metadata/redirect-uri.ts'

export const postLogoutRedirectUrisMax = 20

const bad = (field: string, reason: string) => fail('invalid_client_metadata', reason, { field })

/** What a client may register about the way back after a logout. */
export const postLogoutMetadataRules: readonly Rule<ClientMetadataInput>[] = [
  {
    id: 'client.post-logout-redirect-uris',
    clauses: ['OIDC-RPL-3.1'],
    level: 'MUST',
    title: 'post-logout redirect URIs are well formed, fit the kind of application, and stand once each',
    check: input => {
      const { post_logout_redirect_uris: uris = [] } = input.metadata
      const field = 'post_logout_redirect_uris'
      if (uris.length > postLogoutRedirectUrisMax)
        return bad(field, `more than ${postLogoutRedirectUrisMax} URIs`)
      if (new Set(uris).size !== uris.length) return bad(field, 'a URI stands twice')
      for (const [index, uri] of uris.entries()) {
        const why = malformedRedirectUri(uri) ?? unfitRedirectUri(uri, input)
        if (why !== undefined) return bad(`${field}[${index}]`, `the URI ${why}`)
      }
      return pass
    },
  },
]
