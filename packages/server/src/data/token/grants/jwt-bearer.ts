import { type EpochSeconds, epochSeconds, firstRefusal, type JwsAlg, secondsAfter } from '@holdfast/protocol'
import { type ParsedJws, parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { fittingKeys, type PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { verifyJws } from '@holdfast/protocol/jose/verify.ts'
import {
  boundTo,
  grantAssertionBytesMax,
  jwtBearerGrantType,
  jwtBearerRequestRules,
  jwtBearerRules,
  jwtBearerSubjectRules,
} from '@holdfast/protocol/specs/rfc7523-jwt-bearer/rules.ts'
import type { Ports } from '../../../ports.ts'
import type { TrustedIssuer } from '../../../snapshot/snapshot.ts'
import type { GrantRecord, UserRecord } from '../../../store/records.ts'
import type { Write } from '../../../store/writes.ts'
import { newGrantId } from '../../authorize/transaction.ts'
import { remoteKeySets } from '../../client-auth/remote-keys.ts'
import { hashOfJti } from '../../handle.ts'
import type { Entitlement } from '../../mint/order.ts'
import { type Decided, grantOf, requestedScopes, type TokenRequest } from '../grant.ts'

/** How long a remembered `jti` outlives its assertion, for nodes whose clocks differ. */
const replayMarginSeconds = 60

interface Facts {
  readonly trusted: TrustedIssuer | undefined
  /** That signed the assertion. */
  readonly key: PublicKey | undefined
  /** Looked up only for a signed assertion: others learn nothing about our users. */
  readonly user: UserRecord | undefined
  readonly grantId: string
}

/** The signed word of a trusted issuer about one of our users, for an access token (RFC 7523 section 2.1). */
export const jwtBearer = grantOf<ParsedJws, Facts>({
  grantType: jwtBearerGrantType,
  parse: ({ form, client }) => {
    const assertion = form.get('assertion')
    const { isPublic, profile } = client
    const refusal = firstRefusal(jwtBearerRequestRules, { assertion, isPublic, profile })
    if (refusal !== undefined) return refusal
    if (assertion === undefined) throw new TypeError('rule table')
    return parseCompactJws(assertion, grantAssertionBytesMax, 'invalid_grant')
  },
  load: async (assertion, request, ports) => {
    const { iss } = assertion.claims
    const trusted = typeof iss === 'string' ? request.exchange.issuer.trustedIssuers.get(iss) : undefined
    const key = trusted && (await signerOf(assertion, trusted, request, ports))
    const user = trusted && key && (await findUser(assertion, trusted, request, ports))
    return { trusted, key, user, grantId: newGrantId(ports.entropy, request.now) }
  },
  judge: judgeAssertion,
})

async function signerOf(
  assertion: ParsedJws,
  trusted: TrustedIssuer,
  { client }: TokenRequest,
  ports: Ports,
): Promise<PublicKey | undefined> {
  const { header } = assertion
  const alg = trusted.algs.find(known => known === header.alg && client.profile.signingAlgs.includes(known))
  if (alg === undefined) return undefined
  const kid = typeof header.kid === 'string' ? header.kid : undefined
  const keys = await keysOf(trusted, kid, alg, ports)
  return keys.find(key => verifyJws(assertion, key, [alg]))
}

async function keysOf(
  { keys, jwksUri }: TrustedIssuer,
  kid: string | undefined,
  alg: JwsAlg,
  ports: Ports,
): Promise<readonly PublicKey[]> {
  if (jwksUri === undefined) return fittingKeys(keys, kid, alg)
  const set = await remoteKeySets(ports).find(jwksUri, found => fittingKeys(found.keys, kid, alg).length > 0)
  return fittingKeys(set?.keys ?? [], kid, alg)
}

async function findUser(
  { claims: { sub } }: ParsedJws,
  { subjects }: TrustedIssuer,
  { exchange }: TokenRequest,
  { store }: Ports,
): Promise<UserRecord | undefined> {
  if (typeof sub !== 'string') return undefined
  const { url } = exchange.issuer
  if (subjects === 'subject') return await store.findUserBySubject(url, sub)
  const username = subjects === 'username' ? sub : subjects.get(sub)
  return username === undefined ? undefined : await store.findUserByUsername(url, username)
}

function judgeAssertion(assertion: ParsedJws, facts: Facts, request: TokenRequest): Decided {
  const { header, claims } = assertion
  const { client, exchange, sender, now } = request
  const { trusted, key, user } = facts
  const context = { txn: exchange.requestId, ...(user && { subject: user.subject }) }
  const allowed = allowedBy(trusted, claims, request)
  const scopes = requestedScopes(request.form)
  const refusal =
    firstRefusal(jwtBearerRules, {
      header,
      claims,
      trust: trusted,
      isSigned: key !== undefined,
      clientId: client.clientId,
      issuer: exchange.issuer.url,
      profile: client.profile,
      sender,
      now,
    }) ??
    firstRefusal(jwtBearerSubjectRules, {
      isUserActive: user?.status === 'active',
      scopes,
      allowedScopes: allowed.scopes,
      allowedResources: allowed.resources,
    })
  if (refusal !== undefined) {
    const about = { ...refusal.facts, ...(trusted !== undefined && { trusted_issuer: trusted.name }) }
    return { ok: false, refusal: { ...refusal, facts: about }, context }
  }
  if (trusted === undefined || key === undefined || user === undefined) throw new TypeError('rule table')
  const grant = grantOfAssertion(facts.grantId, user, allowed, assertion, request)
  const source = { trusted_issuer: trusted.name, assertion_key_id: key.kid ?? key.thumbprint }
  return {
    ok: true,
    value: {
      entitlement: entitlementOf(grant, scopes ?? allowed.scopes, assertion, request, source),
      // The grant stands behind the token, so that ending it, or the user, ends the token (I23).
      writes: [rememberedJti(assertion, trusted, request), { kind: 'insert-grant', record: grant }],
      conflict: guard => {
        throw new TypeError(`no write of this grant has the guard \`${guard}\``)
      },
    },
  }
}

interface Allowed {
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
}

/** What client, trusted issuer and assertion all allow: the word of an issuer widens nothing (I14). */
function allowedBy(
  trusted: TrustedIssuer | undefined,
  { scope, resource }: ParsedJws['claims'],
  { client }: TokenRequest,
): Allowed {
  const named = typeof scope === 'string' ? scope.split(' ') : undefined
  const reached = resource === undefined ? undefined : Array.isArray(resource) ? resource : [resource]
  return {
    scopes: (trusted?.scopes ?? []).filter(
      one => client.scopes.includes(one) && (named === undefined || named.includes(one)),
    ),
    resources: (trusted?.resources ?? []).filter(
      one => client.resources.includes(one) && (reached === undefined || reached.includes(one)),
    ),
  }
}

function grantOfAssertion(
  id: string,
  user: UserRecord,
  { scopes, resources }: Allowed,
  { claims }: ParsedJws,
  { client, exchange, now }: TokenRequest,
): GrantRecord {
  return {
    id,
    issuer: exchange.issuer.url,
    clientId: client.clientId,
    subject: user.subject,
    scopes,
    resources,
    // How the user signed in elsewhere is not known here, and not claimed.
    sid: undefined,
    authTime: undefined,
    acr: undefined,
    amr: [],
    txn: exchange.requestId,
    issuedAt: now,
    expiresAt: timeOf(claims.exp),
  }
}

function entitlementOf(
  grant: GrantRecord,
  scopes: readonly string[],
  { claims }: ParsedJws,
  { form }: TokenRequest,
  source: Entitlement['source'],
): Entitlement {
  return {
    grantType: jwtBearerGrantType,
    subject: grant.subject,
    grantId: grant.id,
    scopes,
    allowedScopes: grant.scopes,
    requestedResources: form.all('resource'),
    allowedResources: grant.resources,
    authTime: undefined,
    acr: undefined,
    amr: [],
    sid: undefined,
    nonce: undefined,
    txn: grant.txn,
    grantExpiresAt: grant.expiresAt,
    inputBinding: boundTo(claims.cnf) ?? {},
    refreshToken: undefined,
    ...(source && { source }),
  }
}

function rememberedJti({ claims }: ParsedJws, { issuer }: TrustedIssuer, { exchange }: TokenRequest): Write {
  const issuedAt = timeOf(claims.iat)
  return {
    kind: 'remember-jti',
    what: 'authorization-grant',
    key: hashOfJti('authorization-grant', exchange.issuer.url, issuedAt, [issuer, String(claims.jti)]),
    issuedAt,
    expiresAt: secondsAfter(timeOf(claims.exp), replayMarginSeconds),
  }
}

/** Of a claim the rules have found to be a time. */
function timeOf(claim: unknown): EpochSeconds {
  return epochSeconds(claim as number)
}
