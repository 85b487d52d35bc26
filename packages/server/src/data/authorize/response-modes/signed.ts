import { formPostView } from '../../pages/form-post.ts'
import { signForClient } from '../../sign-for-client.ts'
import type { Outgoing, ResponseMode } from '../response-mode.ts'
import { inFragment } from './fragment.ts'
import { inQuery } from './query.ts'

/** How long a signed response may be used (JARM section 2.1). */
export const signedResponseSeconds = 60

/** JARM: the whole response as one JWT, signed with the algorithm the client registered, and encrypted where it registered so. */
export const queryJwt: ResponseMode = {
  mode: 'query.jwt',
  send: async outgoing => inQuery(outgoing.redirectUri, await signed(outgoing)),
}

export const fragmentJwt: ResponseMode = {
  mode: 'fragment.jwt',
  send: async outgoing => inFragment(outgoing.redirectUri, await signed(outgoing)),
}

export const formPostJwt: ResponseMode = {
  mode: 'form_post.jwt',
  send: async outgoing => formPostView(outgoing.exchange, outgoing.redirectUri, await signed(outgoing)),
}

async function signed({ exchange, ports, clientId, parameters }: Outgoing): Promise<{ response: string }> {
  const { url, clients } = exchange.issuer
  const client = clients.get(clientId)
  // Whoever is answered was judged against this very snapshot.
  if (client === undefined) throw new TypeError('a response for a client that is gone')
  const exp = ports.clock.now() + signedResponseSeconds
  const claims = { ...parameters, iss: url, aud: clientId, exp }
  const alg = client.authorizationSignedResponseAlg
  const jwt = { response: 'authorization', alg, typ: 'JWT', claims } as const
  return { response: await signForClient(jwt, client, url, ports) }
}
