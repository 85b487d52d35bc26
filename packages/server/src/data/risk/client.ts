import type { StatedRisk } from '@holdfast/policy'
import type { EpochSeconds, SecurityProfile } from '@holdfast/protocol'
import type { Exchange, PeerCertificate } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import type { FoundSighting, SightingRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import type { AuthenticatedClient } from '../client-auth/authenticate.ts'
import { parsedCertificate } from '../client-auth/certificate.ts'
import { readsRisk } from './counters.ts'
import type { ClientFacts } from './facts.ts'
import { keyItem } from './recognition.ts'
import { forgetting, keysMax, rememberedUntil } from './remember.ts'
import { type Judged, judgeSignals, scoreOf, unjudged } from './score.ts'
import { clientSignals, signInSignals } from './signals/index.ts'
import { velocityOf } from './velocity.ts'

/** What a question is about, as far as its risk goes. */
export interface AskedRisk {
  readonly client: Client
  /** Of the request. */
  readonly profile: SecurityProfile
  /** Undefined: no user stands behind it. */
  readonly subject: string | undefined
  /** How the user's sign-in looked; undefined: no user, or nobody looked. */
  readonly signIn: Judged | undefined
  readonly now: EpochSeconds
}

/** Where the client itself is not here: on a page, or before anybody was asked. Undefined: nobody wants to know. */
export function statedRisk(asked: AskedRisk, exchange: Exchange, ports: Ports): StatedRisk | undefined {
  return readsRisk(exchange.issuer) ? stated(asked, unseen, exchange, ports) : undefined
}

export interface AssessedClient {
  readonly risk: StatedRisk | undefined
  /** For the commit of what is minted, or refused: the key is here either way. */
  readonly writes: readonly Write[]
}

/** Where nobody wants to know. */
const unassessed: AssessedClient = { risk: undefined, writes: [] }

/**
 * Where the client authenticated: one question to the store, for the keys it used before, and none unread.
 * @returns a promise only where policies read risk
 */
export function assessClient(
  asked: AskedRisk,
  authenticated: Pick<AuthenticatedClient, 'credentialId'>,
  exchange: Exchange,
  ports: Ports,
): AssessedClient | Promise<AssessedClient> {
  return readsRisk(exchange.issuer) ? assessed(asked, authenticated, exchange, ports) : unassessed
}

async function assessed(
  asked: AskedRisk,
  { credentialId }: Pick<AuthenticatedClient, 'credentialId'>,
  exchange: Exchange,
  ports: Ports,
): Promise<AssessedClient> {
  const { issuer } = exchange
  const { client, now } = asked
  const { peerCertificate: certificate } = exchange
  if (credentialId === undefined)
    return { risk: stated(asked, { ...unseen, certificate }, exchange, ports), writes: [] }
  const key = keyOf(client, credentialId, exchange, ports)
  const seen = await ports.store.listSightings(issuer.url, client.clientId, now, keysMax)
  return {
    risk: stated(asked, { key, seen, certificate }, exchange, ports),
    writes: rememberKey(key, seen, asked, exchange),
  }
}

/** Of each client what it used last: the hash costs more than all the rest. */
const lastKeys = new WeakMap<Client, { readonly credentialId: string; readonly key: string }>()

function keyOf(client: Client, credentialId: string, exchange: Exchange, ports: Ports): string {
  const last = lastKeys.get(client)
  if (last?.credentialId === credentialId) return last.key
  const key = keyItem(exchange, ports, client.clientId, credentialId)
  lastKeys.set(client, { credentialId, key })
  return key
}

/** One more token, once it is minted. */
export function countToken(
  { client, subject, now }: Pick<AskedRisk, 'client' | 'subject' | 'now'>,
  { issuer }: Exchange,
  ports: Ports,
): void {
  if (!readsRisk(issuer)) return
  const velocity = velocityOf(ports)
  velocity.count(countedAs(issuer.url, client.clientId), now)
  if (subject !== undefined) velocity.count(countedAs(issuer.url, subject), now)
}

/** What the client was seen with before, and is here with now. */
interface SeenKey {
  readonly key: string | undefined
  readonly seen: readonly FoundSighting[]
  readonly certificate: PeerCertificate | undefined
}

/** Of a machine, and of grants from before anybody looked. */
const noSignIn = unjudged(signInSignals)

/** A browser is not the client, and its certificate, if any, is its own. */
const unseen: SeenKey = { key: undefined, seen: [], certificate: undefined }

function stated(asked: AskedRisk, seen: SeenKey, exchange: Exchange, ports: Ports): StatedRisk {
  const { risk: rules } = exchange.issuer
  const client = judgeSignals(clientSignals, factsOf(asked, seen, exchange, ports), rules)
  return scoreOf([asked.signIn ?? noSignIn, client], rules)
}

function factsOf(
  { client, profile, subject, now }: AskedRisk,
  { key, seen, certificate }: SeenKey,
  exchange: Exchange,
  ports: Ports,
): ClientFacts {
  const { url, registered } = exchange.issuer
  const { clientId, isPublic, tokenEndpointAuthMethod: authMethod } = client
  const velocity = velocityOf(ports)
  return {
    ...{ now, isPublic, authMethod, key, seen },
    isBoundByProfile: profile.senderConstraint === 'required',
    registeredAt: registered.get(clientId)?.registeredAt,
    credentialEndsAt: credentialEnd(client, certificate),
    clientTokens: velocity.within(countedAs(url, clientId), now),
    userTokens: subject === undefined ? undefined : velocity.within(countedAs(url, subject), now),
  }
}

/** A subject is never a client id. */
function countedAs(issuer: string, owner: string): string {
  return `${issuer} ${owner}`
}

/** The last of its secrets, or the certificate it is here with; keys carry no end. */
function credentialEnd(
  { tokenEndpointAuthMethod: method, secrets }: Client,
  presented: PeerCertificate | undefined,
): ClientFacts['credentialEndsAt'] {
  if (secrets.length > 0) {
    const ends = secrets.map(({ expiresAt }) => expiresAt)
    const dated = ends.filter(end => end !== undefined)
    return dated.length < ends.length ? 'never' : (Math.max(...dated) as EpochSeconds)
  }
  if (method !== 'tls_client_auth' && method !== 'self_signed_tls_client_auth') return undefined
  const certificate = presented && parsedCertificate(presented)
  return certificate && (Math.floor(Date.parse(certificate.validTo) / 1000) as EpochSeconds)
}

/** A key is written down again after a day, or half the time it is remembered: a busy client writes nothing. */
const rememberedAgainShare = 0.5

function rememberKey(
  key: string,
  seen: readonly FoundSighting[],
  { client, now }: AskedRisk,
  { issuer }: Exchange,
): readonly Write[] {
  const known = seen.find(({ item }) => item === key)
  const againSeconds = Math.min(86_400, issuer.risk.rememberDays * 86_400 * rememberedAgainShare)
  if (known !== undefined && now - known.lastAt < againSeconds) return []
  const record: SightingRecord = {
    ...{ issuer: issuer.url, owner: client.clientId, what: 'key', item: key, isConfirmed: false },
    ...{ seenAt: now, expiresAt: rememberedUntil(issuer.risk, now) },
  }
  return [...forgetting(record, seen, keysMax, issuer.risk), { kind: 'remember-sighting', record }]
}
