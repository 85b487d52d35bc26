import { type EpochSeconds, secondsAfter } from '@holdfast/protocol'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { AuditRecord, RefreshTokenRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { auditAccepted } from '../audit-of.ts'
import { detailsFacts } from '../authorize/details-facts.ts'
import { fineTime, newHandle } from '../handle.ts'
import type { StatusPlace } from '../status-list/allocate.ts'
import { constraintOf } from './constraint.ts'
import { tokenFormats } from './formats/index.ts'
import { mintIdToken } from './id-token.ts'
import { actingOf, type MintOrder } from './order.ts'

/** The answer of RFC 6749 section 5.1, on the wire as it is: what is undefined is not written. */
export interface TokenResponse {
  readonly access_token: string
  readonly token_type: 'DPoP' | 'Bearer'
  readonly expires_in: number
  readonly issued_token_type: string | undefined
  readonly scope: string | undefined
  /** As granted to this token (RFC 9396 section 7). */
  readonly authorization_details: readonly AuthorizationDetail[] | undefined
  readonly refresh_token: string | undefined
  readonly id_token: string | undefined
  readonly grant_id: string | undefined
}

export interface Minted {
  readonly response: TokenResponse
  /** Records and audit; they go into one commit with the guards of the grant. */
  readonly writes: readonly Write[]
}

/** Make what the order says. Nothing is valid before its writes are committed. */
export async function mint(
  order: MintOrder,
  evidence: AuditRecord['facts'],
  exchange: Exchange,
  ports: Ports,
): Promise<Minted> {
  const format = tokenFormats.get(order.format)
  if (format === undefined) throw new TypeError(`no slot for \`${order.format}\``)
  const minting = format.mint(order, exchange, ports)
  const token = minting instanceof Promise ? await minting : minting
  const idToken = order.idToken && (await mintIdToken(order, token.value, exchange, ports))
  const refresh = order.refreshToken && mintRefreshToken(order, order.refreshToken, exchange, ports)

  const { client, subject, sector, issuedAt, audience, scopes, binding, txn, authorizationDetails } = order
  const expiresAt = secondsAfter(issuedAt, order.lifetimeSeconds)
  const insert: InsertToken = {
    kind: 'insert-access-token',
    record: {
      hash: token.hash,
      issuer: exchange.issuer.url,
      clientId: client.clientId,
      grantId: order.grantId,
      subject,
      scopes,
      audience: [audience],
      ...(authorizationDetails.length > 0 && { authorizationDetails }),
      ...(order.policyClaims !== undefined && { policyClaims: order.policyClaims }),
      ...(order.attributeClaims !== undefined && { attributeClaims: order.attributeClaims }),
      binding,
      jti: token.jti,
      ...(token.signingInput !== undefined && { signingInput: token.signingInput }),
      authTime: order.authTime,
      acr: order.acr,
      amr: order.amr,
      txn,
      ...actingOf(order),
      ...(sector !== undefined && { sector }),
      issuedAt,
      expiresAt,
    },
  }
  const entry: readonly Write[] =
    token.status === undefined ? [] : [entryOf(token.status, insert.record, order)]
  const audit = auditAccepted(
    exchange,
    issuedAt,
    'token.issued',
    { txn, clientId: client.clientId, subject },
    {
      ...evidence,
      ...factsOf(order, expiresAt),
      ...order.delegation?.facts,
      ...order.source,
      token_ref: token.hash,
      ...(token.status !== undefined && { status_list: token.status.list, status_index: token.status.index }),
      refresh_token_issued: refresh !== undefined,
      policy_version: exchange.issuer.policies.version,
      revision: ports.snapshot().revision,
    },
  )
  return {
    response: {
      access_token: token.value,
      token_type: binding.jkt === undefined ? 'Bearer' : 'DPoP',
      expires_in: order.lifetimeSeconds,
      issued_token_type: order.delegation?.issuedTokenType,
      scope: scopes.length > 0 ? scopes.join(' ') : undefined,
      authorization_details: authorizationDetails.length > 0 ? authorizationDetails : undefined,
      refresh_token: refresh?.value,
      id_token: idToken,
      grant_id: order.managedGrantId,
    },
    writes: refresh === undefined ? [insert, ...entry, audit] : [insert, ...entry, refresh.write, audit],
  }
}

type InsertToken = Extract<Write, { kind: 'insert-access-token' }>

/** The place that the token names, taken in the same commit. */
function entryOf(
  { list, index }: StatusPlace,
  token: InsertToken['record'],
  { accessTokenAlg: alg }: MintOrder,
): Write {
  if (alg === undefined) throw new TypeError('a token with a status is a JWT')
  const { hash: tokenHash, issuer, clientId, subject, grantId, expiresAt } = token
  const { audience, scopes, authorizationDetails } = token
  const said = { audience, scopes, ...(authorizationDetails !== undefined && { authorizationDetails }) }
  const record = { issuer, list, index, alg, tokenHash, clientId, subject, grantId, said, expiresAt }
  return { kind: 'insert-status-entry', record }
}

function mintRefreshToken(
  order: MintOrder,
  wanted: NonNullable<MintOrder['refreshToken']>,
  exchange: Exchange,
  ports: Ports,
): { readonly value: string; readonly write: Write } {
  const { refreshProfile: profile = order.profile, issuedAt, client, grantId } = order
  if (grantId === undefined) throw new TypeError('a refresh token points at a grant')
  const issuer = exchange.issuer.url
  const { value, hash } = newHandle(ports.entropy, 'refresh_token', issuer, fineTime(ports.clock))
  const fullLife = secondsAfter(issuedAt, profile.refreshTokenLifetimeSeconds)
  const record: RefreshTokenRecord = {
    hash,
    issuer,
    clientId: client.clientId,
    grantId,
    scopes: wanted.scopes,
    resources: wanted.resources,
    binding: order.binding,
    issuedAt,
    idleExpiresAt: secondsAfter(issuedAt, profile.refreshTokenIdleSeconds),
    expiresAt: earliest([fullLife, wanted.expiresAt, order.grantExpiresAt]),
  }
  return { value, write: { kind: 'insert-refresh-token', record } }
}

function earliest(times: readonly (EpochSeconds | undefined)[]): EpochSeconds {
  return Math.min(...times.filter(time => time !== undefined)) as EpochSeconds
}

/** The field list of an issued token (mission row E1); thumbprints and references, never a value. */
function factsOf(order: MintOrder, expiresAt: EpochSeconds): AuditRecord['facts'] {
  const { grantType, grantId, format, binding, audience, scopes, profile, acr } = order
  return {
    grant_type: grantType,
    token_kind: format,
    constraint: constraintOf(binding),
    ...(binding.jkt !== undefined && { jkt: binding.jkt }),
    ...(binding.x5tS256 !== undefined && { x5t_s256: binding.x5tS256 }),
    audience,
    scopes,
    ...detailsFacts(order.authorizationDetails),
    expires_at: expiresAt,
    profile: profile.name,
    ...(grantId !== undefined && { grant_id: grantId }),
    ...(acr !== undefined && { acr }),
    // Names only: the audit keeps no details of a person.
    ...(order.attributeClaims && { attributes: Object.keys(order.attributeClaims).toSorted() }),
    ...(order.omittedSources && { attribute_sources_omitted: order.omittedSources }),
  }
}
