import assert from 'node:assert/strict'
import type { EpochSeconds, SecurityProfile } from '@holdfast/protocol'
import { leftHalfHash } from '@holdfast/protocol/jose/hash.ts'
import { detachedSignatureClaims } from '@holdfast/protocol/specs/fapi1-advanced/rules.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { GrantRecord } from '../../store/records.ts'
import { signForClient } from '../sign-for-client.ts'
import type { MintOrder } from './order.ts'
import { sidFor, subjectFor } from './pairwise.ts'
import { subjectHint } from './subject-hint.ts'

/**
 * OpenID Connect Core section 2. It says who, when and how strongly; of the user's claims it has those that were asked
 * for by name and allowed, all others stay at userinfo.
 * One audience, so no `azp`. A refresh repeats the original authentication and carries no nonce (section 12.2).
 */
export async function mintIdToken(
  order: MintOrder,
  accessToken: string,
  exchange: Exchange,
  ports: Ports,
): Promise<string | undefined> {
  const { idToken, client, issuedAt, subject, sector, sid, authReqId, userClaims } = order
  if (idToken === undefined) return undefined
  const { url } = exchange.issuer
  const claims = {
    // First: nothing in them can change what the protocol says below.
    ...userClaims,
    ...authenticationOf(order, exchange, ports, issuedAt + idToken.lifetimeSeconds),
    sid: sid === undefined ? undefined : sidFor(ports.keys, url, sector, sid),
    ...subjectHint(client, sector, subject, url, ports),
    'urn:openid:params:jwt:claim:auth_req_id': authReqId,
    at_hash: leftHalfHash(idToken.alg, accessToken),
  }
  return await signForClient(
    { response: 'id_token', alg: idToken.alg, typ: 'JWT', claims },
    client,
    url,
    ports,
  )
}

/** What an authorization response is signed for. */
export interface DetachedSignatureOrder {
  readonly client: Client
  readonly profile: SecurityProfile
  readonly grant: GrantRecord
  readonly code: string
  readonly state: string | undefined
  readonly nonce: string | undefined
}

/**
 * The ID token beside a code, which signs code and state (FAPI 1.0 Advanced section 5.2.2.1). It passes the browser, so
 * it says no more than that: the subject, the authentication, and nothing about the person or the session, whatever
 * was asked for by name.
 * @throws when keys are unavailable: sign before anything is committed
 */
export async function mintDetachedSignature(
  { client, profile, grant, code, state, nonce }: DetachedSignatureOrder,
  exchange: Exchange,
  ports: Ports,
): Promise<string> {
  const alg = client.idTokenSignedResponseAlg
  // The compiler refused a client that could come here with another one.
  assert(profile.signingAlgs.includes(alg))
  assert(nonce !== undefined)
  const { subject, authTime, acr, amr, issuedAt } = grant
  const { sector } = client
  const authentication = { client, subject, sector, issuedAt, nonce, authTime, acr, amr }
  const claims = {
    ...authenticationOf(authentication, exchange, ports, issuedAt + profile.idTokenLifetimeSeconds),
    ...detachedSignatureClaims(alg, code, state),
  }
  const jwt = { response: 'id_token', alg, typ: 'JWT', claims } as const
  return await signForClient(jwt, client, exchange.issuer.url, ports)
}

interface Authentication {
  readonly client: Client
  readonly subject: string
  /** Whose pairwise subject it tells. */
  readonly sector: string | undefined
  readonly issuedAt: EpochSeconds
  readonly nonce: string | undefined
  readonly authTime: EpochSeconds | undefined
  readonly acr: string | undefined
  readonly amr: readonly string[]
}

/** The same in every ID token of a grant (OpenID Connect Core section 3.3.3.6). What is undefined is not written. */
function authenticationOf(
  { client, subject, sector, issuedAt, nonce, authTime, acr, amr }: Authentication,
  { issuer: { url } }: Exchange,
  { keys }: Ports,
  exp: number,
) {
  return {
    iss: url,
    sub: subjectFor(keys, url, sector, subject),
    aud: client.clientId,
    exp,
    iat: issuedAt,
    auth_time: authTime,
    nonce,
    acr,
    amr: amr.length > 0 ? amr : undefined,
  }
}
