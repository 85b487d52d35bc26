import { cnfOf } from '@holdfast/protocol/sender/binding.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { type StatusPlace, takeStatusPlace } from '../status-list/allocate.ts'
import { actingOf, type MintOrder } from './order.ts'
import { subjectFor } from './pairwise.ts'

export interface SignedAccessToken {
  /** RFC 9068. */
  readonly jwt: string
  readonly status?: StatusPlace
}

/** What an order says, as a signed JWT; the forms differ in who gets which part of it. */
export async function signAccessToken(
  order: MintOrder,
  jti: string,
  { issuer }: Exchange,
  ports: Ports,
): Promise<SignedAccessToken> {
  const { accessTokenAlg: alg } = order
  if (alg === undefined) throw new TypeError('a JWT access token has an algorithm')
  const status = order.hasStatus ? takeStatusPlace(issuer, alg, ports) : undefined
  const claims = {
    ...accessTokenClaims(order, issuer, jti, ports),
    status: status && { status_list: { idx: status.index, uri: status.uri } },
  }
  const jwt = await ports.keys.sign(issuer.url, alg, 'at+jwt', claims)
  return { jwt, ...(status && { status }) }
}

/** A claim that is undefined is not written: JSON has none. */
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
    ...order.attributeClaims,
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
    authorization_details: authorizationDetails.length > 0 ? authorizationDetails : undefined,
    tenant_id: issuer.tenantId,
    auth_time: authTime,
    acr,
    amr: amr.length > 0 ? amr : undefined,
    cnf,
    act,
    may_act: mayAct === undefined ? undefined : { sub: mayAct },
    txn: order.txn,
  }
}
