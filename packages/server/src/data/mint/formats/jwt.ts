import { parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { importPublicJwk, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import { cnfOf } from '@holdfast/protocol/sender/binding.ts'
import type { Ports } from '../../../ports.ts'
import type { IssuerSnapshot } from '../../../snapshot/snapshot.ts'
import { fineTime, hashOfHandle, newHandle } from '../../handle.ts'
import { takeStatusPlace } from '../../status-list/allocate.ts'
import type { TokenFormat } from '../format.ts'
import { actingOf, type MintOrder } from '../order.ts'
import { subjectFor } from '../pairwise.ts'

const tokenBytesMax = 8192

/** RFC 9068, for resource servers that ask for it. Its record in the store makes it revocable all the same. */
export const jwt: TokenFormat = {
  format: 'jwt',
  mint: async (order, exchange, ports) => {
    const { issuer } = exchange
    if (order.accessTokenAlg === undefined) throw new TypeError('a JWT access token has an algorithm')
    const { value: jti, hash } = newHandle(
      ports.entropy,
      'jwt_access_token',
      issuer.url,
      fineTime(ports.clock),
    )
    const status = order.hasStatus ? takeStatusPlace(issuer, order.accessTokenAlg, ports) : undefined
    const claims = {
      ...accessTokenClaims(order, issuer, jti, ports),
      ...(status && { status: { status_list: { idx: status.index, uri: status.uri } } }),
    }
    const value = await ports.keys.sign(issuer.url, order.accessTokenAlg, 'at+jwt', claims)
    return { value, hash, jti, ...(status && { status }) }
  },
  hashOf: (token, issuer, ports) => {
    const jws = parseCompactJws(token, tokenBytesMax)
    if (!jws.ok) return undefined
    const { header, claims } = jws.value
    const { jti, iss } = claims
    if (header.typ !== 'at+jwt' || iss !== issuer.url || typeof jti !== 'string') return undefined
    const key = publishedKeys(ports, issuer.url).find(candidate => candidate.kid === header.kid)
    return key !== undefined && verifyJws(jws.value, key, ports.keys.algs(issuer.url))
      ? hashOfHandle('jwt_access_token', issuer.url, jti)
      : undefined
  },
}

function accessTokenClaims(
  order: MintOrder,
  issuer: IssuerSnapshot,
  jti: string,
  { keys }: Ports,
): Readonly<Record<string, unknown>> {
  const { subject, sector, audience, issuedAt, lifetimeSeconds, client, scopes } = order
  const { authTime, acr, amr, binding, authorizationDetails } = order
  const cnf = cnfOf(binding)
  const { act, mayAct } = actingOf(order)
  return {
    // First: nothing in them can change what the protocol says below.
    ...order.policyClaims,
    iss: issuer.url,
    sub: subjectFor(keys, issuer.url, sector, subject),
    aud: audience,
    exp: issuedAt + lifetimeSeconds,
    iat: issuedAt,
    nbf: issuedAt,
    jti,
    client_id: client.clientId,
    scope: scopes.join(' '),
    ...(authorizationDetails.length > 0 && { authorization_details: authorizationDetails }),
    tenant_id: issuer.tenantId,
    ...(authTime !== undefined && { auth_time: authTime }),
    ...(acr !== undefined && { acr }),
    ...(amr.length > 0 && { amr }),
    ...(cnf !== undefined && { cnf }),
    ...(act !== undefined && { act }),
    ...(mayAct !== undefined && { may_act: { sub: mayAct } }),
    txn: order.txn,
  }
}

/** Our own public keys, imported once per published set. */
const imported = new WeakMap<Buffer, readonly PublicKey[]>()

function publishedKeys(ports: Ports, issuer: string): readonly PublicKey[] {
  const { body } = ports.keys.published(issuer)
  const known = imported.get(body)
  if (known !== undefined) return known
  const { keys } = JSON.parse(body.toString('utf8')) as { readonly keys: readonly unknown[] }
  const usable = keys.flatMap(jwk => {
    const key = importPublicJwk(jwk)
    return key.ok ? [key.value] : []
  })
  imported.set(body, usable)
  return usable
}
