import { accept, type Outcome, refuse, secondsAfter } from '@holdfast/protocol'
import { type ParsedJws, parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { fittingKeys } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { upstreamIdTokenBytesMax } from '@holdfast/protocol/specs/oidc-core-relying-party/rules.ts'
import { Fault, type Ports } from '../../ports.ts'
import type { IdentityProvider } from '../../snapshot/snapshot.ts'
import { remoteKeySets } from '../client-auth/remote-keys.ts'
import { callbackUrl } from './attempt.ts'

const limits = { bytesMax: 65_536, timeoutMs: 5000 } as const
const assertionLifetimeSeconds = 60

export interface FetchedIdToken {
  readonly claims: ParsedJws['claims']
  /** Whether a key of the provider made its signature, with an algorithm of its document. */
  readonly isSigned: boolean
}

/** Code for ID token. Every other token of the answer is left unread: we call no API there. */
export async function fetchIdToken(
  ports: Ports,
  issuer: string,
  provider: IdentityProvider,
  { code, codeVerifier }: { readonly code: string; readonly codeVerifier: string },
): Promise<Outcome<FetchedIdToken>> {
  const answer = await reachable(async () =>
    ports.outbound.postFormForJson(
      provider.tokenEndpoint,
      {
        grant_type: 'authorization_code',
        code,
        code_verifier: codeVerifier,
        redirect_uri: callbackUrl(issuer, provider),
        client_id: provider.clientId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await clientAssertion(ports, issuer, provider),
      },
      limits,
    ),
  )
  if (!answer.ok) return answer
  const { id_token: idToken } = (answer.value ?? {}) as { readonly id_token?: unknown }
  const jws = parseCompactJws(
    typeof idToken === 'string' ? idToken : '',
    upstreamIdTokenBytesMax,
    'access_denied',
  )
  if (!jws.ok) return jws
  return accept({ claims: jws.value.claims, isSigned: await isSignedBy(jws.value, provider, ports) })
}

/** That the provider cannot be reached, or refuses us, is no fault of ours: the user may try again. */
async function reachable<T>(call: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return accept(await call())
  } catch (error) {
    if (!(error instanceof Fault) || !error.code.startsWith('outbound.')) throw error
    const reason = 'the token endpoint of the provider gave no ID token'
    return refuse('upstream.token', ['OIDC-3.1.3.5'], 'temporarily_unavailable', reason, {
      cause: error.message.slice(0, 200),
    })
  }
}

/** RFC 7523 section 2.2. For the provider alone: its issuer identifier is the only audience. */
async function clientAssertion(
  { keys, entropy, clock }: Ports,
  issuer: string,
  { clientId, clientAssertionAlg, issuer: audience }: IdentityProvider,
): Promise<string> {
  const now = clock.now()
  return await keys.sign(issuer, clientAssertionAlg, 'client-authentication+jwt', {
    iss: clientId,
    sub: clientId,
    aud: audience,
    jti: entropy.bytes(16).toString('base64url'),
    iat: now,
    exp: secondsAfter(now, assertionLifetimeSeconds),
  })
}

async function isSignedBy(jws: ParsedJws, provider: IdentityProvider, ports: Ports): Promise<boolean> {
  const { header } = jws
  const alg = provider.signingAlgs.find(known => known === header.alg)
  if (alg === undefined) return false
  const kid = typeof header.kid === 'string' ? header.kid : undefined
  const set = await remoteKeySets(ports).find(
    provider.jwksUri,
    found => fittingKeys(found.keys, kid, alg).length > 0,
  )
  return fittingKeys(set?.keys ?? [], kid, alg).some(key => verifyJws(jws, key, [alg]))
}
