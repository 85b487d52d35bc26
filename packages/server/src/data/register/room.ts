import { isUtf8 } from 'node:buffer'
import {
  accept,
  type EpochSeconds,
  firstRefusal,
  type HandleHash,
  type Outcome,
  refuse,
} from '@holdfast/protocol'
import { metadataDefaults } from '@holdfast/protocol/specs/rfc7591-client-metadata/metadata.ts'
import {
  parseRegistration,
  type RegistrationRequest,
} from '@holdfast/protocol/specs/rfc7591-registration/request.ts'
import { initialTokenRules } from '@holdfast/protocol/specs/rfc7591-registration/rules.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { isSecretMethod, signsWithSecret } from '../../snapshot/compile-secrets.ts'
import { newSecret } from '../../snapshot/new-secret.ts'
import type { RegisteredClient } from '../../snapshot/snapshot.ts'
import type { FoundInitialAccessToken } from '../../store/store.ts'
import { auditAccepted } from '../audit-of.ts'
import { hashOfHandle, newHandle } from '../handle.ts'
import { jsonReply } from '../render/json.ts'
import type { Room } from '../room.ts'
import { presentedToken, refusedRegistration } from './answer.ts'
import { informationOf } from './information.ts'
import { type Intended, judgeIntended, judgeSector } from './judge.ts'
import { changeInTurn, type RefusedTurn, type RegistrationChange } from './turn.ts'

const refused = 'registration.refused'

/** A client registers itself (RFC 7591 section 3): only with an initial access token, and never as more than that says. */
export const registerRoom: Room = async (exchange, ports) => {
  const token = presentedToken(exchange)
  if (!token.ok) return await refusedRegistration(exchange, ports, refused, token)
  const now = ports.clock.now()
  const hash = hashOfHandle('initial_access_token', exchange.issuer.url, token.value)
  const found = await ports.store.findInitialAccessToken(hash)
  const initial = judgeInitialToken(exchange, found, now)
  if (!initial.ok) return await refusedRegistration(exchange, ports, refused, initial)
  const no = ({ records = [], ...refusal }: RefusedTurn) =>
    refusedRegistration(exchange, ports, refused, withToken(refusal, initial.value.id), { writes: records })

  const request = parseBody(exchange.body)
  if (!request.ok) return await no(request)
  const { policy } = initial.value
  const intended = judgeIntended(request.value, undefined, policy, exchange.issuer, now)
  if (!intended.ok) return await no(intended)
  const sector = await judgeSector(intended.value.stated, ports)
  if (!sector.ok) return await no(sector)

  const made = makeClient(exchange, ports, intended.value, initial.value, hash, now)
  const committed = await changeInTurn(
    exchange,
    ports,
    () => accept(made.change),
    () => usedUp,
  )
  if (!committed.ok) return await no(committed)
  const { secret } = made
  return jsonReply(201, {
    ...informationOf(exchange, committed.value, made.registrationAccessToken),
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
  })
}

/** Another registration took the last use, or an operator revoked the token, since it was looked at. */
const usedUp = refuse(
  'registration.token-used',
  ['RFC7591-3'],
  'invalid_token',
  'the initial access token has registered all the clients it may',
)

function judgeInitialToken(
  { issuer }: Exchange,
  found: FoundInitialAccessToken | undefined,
  now: EpochSeconds,
): Outcome<FoundInitialAccessToken> {
  if (issuer.registration === 'off')
    return refuse(
      'registration.off',
      ['RFC7591-3'],
      'access_denied',
      'clients do not register themselves at this issuer',
    )
  const refusal = firstRefusal(initialTokenRules, {
    token: found && {
      usesLeft: found.usesLeft,
      expiresAt: found.expiresAt,
      isRevoked: found.revokedAt !== undefined,
    },
    now,
  })
  if (refusal !== undefined) return refusal
  if (found === undefined) throw new TypeError('rule table')
  return accept(found)
}

/** The body as text; bytes that are no UTF-8 are no JSON. */
export function parseBody(body: Buffer): Outcome<RegistrationRequest> {
  return parseRegistration(isUtf8(body) ? body.toString('utf8') : '')
}

interface MadeClient {
  readonly change: RegistrationChange
  readonly registrationAccessToken: string
  readonly secret: string | undefined
}

function makeClient(
  exchange: Exchange,
  ports: Ports,
  { stated, softwareStatement }: Intended,
  initial: FoundInitialAccessToken,
  initialHash: HandleHash,
  now: EpochSeconds,
): MadeClient {
  const { entropy } = ports
  const issuer = exchange.issuer.url
  const clientId = `c_${entropy.bytes(16).toString('base64url')}`
  const managing = newHandle(entropy, 'registration_access_token', issuer, now)
  const { metadata, localized } = stated
  const { authMethod } = metadataDefaults(metadata)
  const seal = signsWithSecret(authMethod) ? { keys: ports.keys, issuer, clientId } : undefined
  const secret = isSecretMethod(authMethod) ? newSecret(entropy, now, undefined, seal) : undefined
  const client: RegisteredClient = {
    ...{ clientId, metadata, localized, status: 'active', policy: initial.policy },
    ...{ token: initial.id, registeredAt: now, softwareStatement },
  }
  const audit = auditAccepted(
    exchange,
    now,
    'client.registered',
    { clientId },
    {
      initial_access_token: initial.id,
      profile: initial.policy.profile,
      auth_method: authMethod,
      scopes: (metadata.scope ?? '').split(' '),
      redirect_uris: metadata.redirect_uris ?? [],
      has_software_statement: softwareStatement !== undefined,
      ...(secret !== undefined && { secret_id: secret.stored.id }),
    },
  )
  return {
    change: {
      client,
      secrets: secret && [secret.stored],
      writes: [
        { kind: 'use-initial-access-token', hash: initialHash, at: now },
        { kind: 'put-registration', issuer, clientId, tokenHash: managing.hash },
      ],
      audit,
    },
    registrationAccessToken: managing.value,
    secret: secret?.secret,
  }
}

/** The audit says whose token it was: the id, never the value. */
function withToken(
  refusal: Parameters<typeof refusedRegistration>[3],
  id: string,
): Parameters<typeof refusedRegistration>[3] {
  return { ...refusal, facts: { ...refusal.facts, initial_access_token: id } }
}
