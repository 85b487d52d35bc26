import { createHash } from 'node:crypto'
import { secondsAfter } from '@holdfast/protocol'
import type { Reply } from '../../http/exchange.ts'
import type { CodeRecord, GrantRecord } from '../../store/records.ts'
import { noncesAt } from '../dpop/nonce.ts'
import { newHandle } from '../handle.ts'
import { tokenRoom } from '../token/room.ts'
import { attestation, attested } from './attestation.ts'
import { accounts, keys, redirectUri } from './clients.ts'
import type { TestKey } from './jws.ts'
import { alice, type FormFields, issuerUrl, type RequestOptions, type World } from './world.ts'

/** RFC 7636 appendix B. */
export const codeVerifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
export const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url')

export interface SeededCode {
  readonly code: string
  readonly grantId: string
}

/** A code as the authorization endpoint issues it, with its grant: Alice allowed `clientId` this. */
export async function seedCode(
  world: World,
  clientId: string,
  spoil: { readonly grant?: Partial<GrantRecord>; readonly code?: Partial<CodeRecord> } = {},
): Promise<SeededCode> {
  const now = world.clock.now()
  const { value, hash } = newHandle(world.ports.entropy, 'code', issuerUrl, now)
  const grantId = `g-${world.ports.entropy.bytes(16).toString('base64url')}`
  const grant: GrantRecord = {
    id: grantId,
    issuer: issuerUrl,
    clientId,
    subject: alice,
    scopes: ['openid', 'profile', 'offline_access', 'accounts'],
    resources: [accounts],
    sid: 'sid-1',
    authTime: secondsAfter(now, -30),
    acr: 'urn:holdfast:acr:password',
    amr: ['pwd'],
    txn: `txn-${grantId}`,
    issuedAt: now,
    expiresAt: secondsAfter(now, 31_536_000),
    ...spoil.grant,
  }
  const code: CodeRecord = {
    hash,
    issuer: issuerUrl,
    clientId,
    grantId,
    redirectUri,
    redirectUriSent: true,
    codeChallenge,
    dpopJkt: undefined,
    nonce: 'n-1',
    issuedAt: now,
    expiresAt: secondsAfter(now, 60),
    ...spoil.code,
  }
  await world.store.commit([
    { kind: 'insert-grant', record: grant },
    { kind: 'insert-code', record: code },
  ])
  return { code: value, grantId }
}

/** The nonce a client of this moment would have been told. */
export function currentNonce(world: World): string {
  return noncesAt(world.ports.keys, issuerUrl, world.clock.now()).current
}

export interface TokenRequestOptions extends Omit<RequestOptions, 'form'> {
  /** Sign a proof with this key; `none` sends no proof. Default: the usual proof key. */
  readonly proofKey?: TestKey | 'none'
  /** `none`: no assertion, `client_id` instead. `attestation by proof`: the proof must be by the key of the instance. */
  readonly authentication?: 'assertion' | 'none' | 'attestation' | 'attestation by proof'
  /** Of a client that is attested; its phone unless given. */
  readonly instance?: TestKey
}

/** How a request says who sends it. */
export function identityOf(
  world: World,
  clientId: string,
  { authentication = 'assertion', instance }: TokenRequestOptions,
): { readonly form: FormFields; readonly headers: NonNullable<RequestOptions['headers']> } {
  const spoiled = instance === undefined ? {} : { instance }
  switch (authentication) {
    case 'assertion':
      return { form: world.assertion(clientId), headers: [] }
    case 'none':
      return { form: { client_id: clientId }, headers: [] }
    case 'attestation':
      return { form: {}, headers: attested(world, clientId, spoiled) }
    case 'attestation by proof':
      return { form: {}, headers: [['oauth-client-attestation', attestation(world, clientId, spoiled)]] }
    default:
      return authentication satisfies never
  }
}

/** A good token request of `clientId`: fresh assertion, fresh proof with the current nonce. */
export function requestToken(
  world: World,
  clientId: string,
  fields: FormFields,
  options: TokenRequestOptions = {},
): Promise<Reply> {
  const { proofKey = keys.proof, headers = [], ...rest } = options
  const identity = identityOf(world, clientId, options)
  const path = '/token'
  const claims = options.certificate === undefined ? {} : { htu: `${world.issuer.mtlsUrl}${path}` }
  const proof =
    proofKey === 'none'
      ? []
      : [['dpop', world.proof(path, { key: proofKey, nonce: currentNonce(world), claims })] as const]
  return world.send(tokenRoom, path, {
    form: { ...identity.form, ...fields },
    headers: [...identity.headers, ...proof, ...headers],
    ...rest,
  })
}

/** Redeem a seeded code with everything right. */
export function redeem(
  world: World,
  clientId: string,
  code: string,
  options: TokenRequestOptions & { readonly spoil?: FormFields } = {},
): Promise<Reply> {
  const { spoil = {}, ...rest } = options
  const fields = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: codeVerifier,
    ...spoil,
  }
  return requestToken(world, clientId, fields, rest)
}

/** Members of a JSON answer. */
export function jsonOf(reply: Reply): Readonly<Record<string, unknown>> {
  return JSON.parse(reply.body.toString())
}

/** A text member of a JSON answer. */
export function textOf(reply: Reply, name: string): string {
  const value = jsonOf(reply)[name]
  if (typeof value !== 'string')
    throw new TypeError(`\`${name}\` is no text in ${reply.status} ${reply.body}`)
  return value
}

export function headersOf(reply: Reply, name: string): readonly string[] {
  return reply.headers.filter(([sent]) => sent === name).map(([, value]) => value)
}
