import { accept, firstRefusal } from '@holdfast/protocol'
import { clientCredentialsRules } from '@holdfast/protocol/specs/rfc6749-token/rules.ts'
import type { Client, IssuerSnapshot } from '../../../snapshot/snapshot.ts'
import { grantOf, requestedScopes } from '../grant.ts'

interface Asked {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
}

/** The client acts for itself: no user, no grant record, no refresh token (RFC 6749 section 4.4). */
export const clientCredentials = grantOf<Asked, undefined>({
  grantType: 'client_credentials',
  parse: ({ form, client, exchange }) => {
    const scopes = requestedScopes(form)
    const refusal = firstRefusal(clientCredentialsRules, {
      isPublic: client.isPublic,
      scopes,
      allowedScopes: client.scopes,
    })
    return (
      refusal ??
      accept({ scopes: scopes ?? ownScopes(client, exchange.issuer), resources: form.all('resource') })
    )
  },
  load: () => undefined,
  judge: ({ scopes, resources }, _facts, { client, exchange }) => ({
    ok: true,
    value: {
      entitlement: {
        grantType: 'client_credentials',
        subject: client.clientId,
        grantId: undefined,
        scopes,
        allowedScopes: scopes,
        requestedResources: resources,
        allowedResources: client.resources,
        // Nothing unasked: a client that acts for itself names what it is about to do.
        authorizationDetails: { allowed: client.ownAuthorizationDetails, unlessAsked: [] },
        authTime: undefined,
        acr: undefined,
        amr: [],
        sid: undefined,
        nonce: undefined,
        // The transaction begins here, with this request.
        txn: exchange.requestId,
        grantExpiresAt: undefined,
        inputBinding: {},
        refreshToken: undefined,
      },
      writes: [],
      conflict: guard => {
        throw new TypeError(`no write of this grant has the guard \`${guard}\``)
      },
    },
  }),
})

const userScopes: ReadonlySet<string> = new Set(['openid', 'offline_access'])

/** What a request without `scope` means: all the client registered, but for what only makes sense with a user. */
function ownScopes(client: Client, issuer: IssuerSnapshot): readonly string[] {
  return client.scopes.filter(
    scope => !userScopes.has(scope) && (issuer.scopes.get(scope)?.claims.length ?? 0) === 0,
  )
}
