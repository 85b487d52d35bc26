import { accept, type EpochSeconds, firstRefusal, type Outcome, refuse } from '@holdfast/protocol'
import { type ParsedJws, parseCompactJws } from '@holdfast/protocol/jose/compact.ts'
import { sha256 } from '@holdfast/protocol/jose/hash.ts'
import type { PublicKey } from '@holdfast/protocol/jose/keys.ts'
import { accessTokenBytesMax } from '@holdfast/protocol/specs/rfc6750-bearer/rules.ts'
import {
  accessTokenTyp,
  type TokenClaims,
  tokenClaimsRules,
  tokenHeaderRules,
  tokenTimeRules,
} from '@holdfast/protocol/specs/rfc9068-at-verification/rules.ts'
import { BoundedCache } from './cache.ts'
import { Introspector } from './introspection.ts'
import { Issuer, type Known } from './issuer.ts'
import { KeyReports } from './key-reports.ts'
import type { Settings } from './options.ts'
import { type FeedStatus, RevocationFeed } from './revocation-feed.ts'
import { type JudgedFacts, rememberedSeconds, type Standing } from './revoked.ts'
import { answerBytesMax, judgeIntrospected, judgeSignedAnswer } from './signed-answer.ts'
import { signingKeyOf } from './signing-key.ts'
import { StatusLists } from './status-list.ts'
import { factsOf, type TokenFacts } from './token.ts'

/** A JWT whose signature and unchanging claims were found good, and the key that said so. */
interface VerifiedJwt {
  readonly facts: TokenFacts
  readonly keyThumbprint: string
}

type BelievedFacts = JudgedFacts & Pick<TokenFacts, 'expiresAt'>

const memoEntriesMax = 10_000
/** `expirySkewSeconds` is at most this. */
const skewSecondsMax = 60

const unknownStanding = refuse(
  'revocation-feed.silent',
  [],
  'temporarily_unavailable',
  'nobody can say whether the token was revoked: the feed is silent or in doubt, and introspection is not set up',
)
const revokedByFeed = refuse(
  'revocation-feed.revoked',
  ['RFC7009-2.2-2'],
  'invalid_token',
  'the token was revoked',
)

/** Turns a presented token into facts: signature and claims of a JWT, or the issuer's answer. Time is never cached. */
export class AccessTokens {
  readonly #settings: Settings
  readonly #issuer: Issuer
  readonly #introspector: Introspector | undefined
  /** Undefined: whether a JWT was revoked is asked in another way, or not at all. */
  readonly #statusLists: StatusLists | undefined
  /** Whether the issuer is asked about every token, also about one whose signature is known to be good. */
  readonly #isLiveAsked: boolean
  readonly #feed: RevocationFeed | undefined
  /** Undefined: nobody who could authenticate; the issuer does not know of this verifier. */
  readonly #reports: KeyReports | undefined
  readonly #isFeedShared: boolean
  /** By SHA-256 of the token, so that the memory of this process holds no token. */
  readonly #jwts = new BoundedCache<VerifiedJwt>(memoEntriesMax)

  constructor(settings: Settings) {
    const { issuer, audience, fetch, clock, entropy, onAlarm, tokens } = settings
    const { algs, futureSeconds } = settings
    const { introspection, jwtRevocation = introspection && 'introspection', statusStaleSeconds = 0 } = tokens
    this.#settings = settings
    this.#issuer = new Issuer({
      ...{ issuer, fetch, clock, onAlarm },
      onKnown: known => this.#reports?.noticed(known),
      isKeyRevoked: thumbprint => this.#feed?.isKeyRevoked(thumbprint) === true,
    })
    const feed = tokens.revocationFeed
    this.#isFeedShared = feed instanceof RevocationFeed
    const authentication =
      introspection?.authentication ?? (feed instanceof RevocationFeed ? undefined : feed?.authentication)
    this.#reports =
      authentication &&
      new KeyReports({
        ...{ authentication, fetch, clock, entropy, onAlarm },
        issuer: this.#issuer,
        issuerUrl: issuer,
      })
    this.#isLiveAsked = jwtRevocation === 'introspection'
    if (jwtRevocation === undefined || jwtRevocation === 'status-list')
      this.#statusLists = new StatusLists({
        issuer: this.#issuer,
        issuerUrl: issuer,
        algs,
        futureSeconds,
        staleSeconds: statusStaleSeconds,
        isRequired: jwtRevocation === 'status-list',
        fetch,
        clock,
        onAlarm,
      })
    this.#introspector =
      introspection &&
      new Introspector(introspection, {
        algs,
        futureSeconds,
        issuer: this.#issuer,
        issuerUrl: issuer,
        audience,
        fetch,
        clock,
        entropy,
        onAlarm,
      })
    this.#feed =
      feed === undefined || feed instanceof RevocationFeed
        ? feed
        : new RevocationFeed(feed, {
            ...{ issuer: this.#issuer, issuerUrl: issuer, fetch, clock, entropy, onAlarm },
          })
    this.#feed?.listen({
      onRevoked: topic => {
        this.#introspector?.forgetFlights()
        if (topic !== 'key') return
        // Which remembered answers it signed nobody knows here.
        this.#introspector?.evict(() => true)
        void this.#issuer.hurry()
      },
      onResync: () => this.evict(() => true),
    })
    if (!this.#isFeedShared) void this.#feed?.run()
  }

  /**
   * A token that was seen before is judged at once: a promise for each step would cost a tenth of its verification.
   * @param tokenHash base64url SHA-256 of `token`
   */
  judge(
    token: string,
    tokenHash: string,
    now: EpochSeconds,
  ): Outcome<TokenFacts> | Promise<Outcome<TokenFacts>> {
    const known = this.#isLiveAsked ? undefined : this.#remembered(tokenHash, now, this.#issuer.current())
    return known === undefined || !this.isBelieved(known)
      ? this.#find(token, tokenHash, now).then(found => this.#judgeNow(found, now))
      : this.#judgeNow(accept(known), now)
  }

  /** Time and status: what changes while a token stays the same, so no memory answers it. */
  #judgeNow(
    found: Outcome<TokenFacts>,
    now: EpochSeconds,
  ): Outcome<TokenFacts> | Promise<Outcome<TokenFacts>> {
    const timely = this.#judgeTime(found, now)
    // Introspection is the status of what it found.
    if (!timely.ok || this.#statusLists === undefined || timely.value.form !== 'jwt') return timely
    const ended = this.#statusLists.judge(timely.value.claims.status, now)
    return ended instanceof Promise ? ended.then(refusal => refusal ?? timely) : (ended ?? timely)
  }

  /** Whether what was known of a token earlier may be used without asking; without a feed its lifetime here decides. */
  isBelieved(facts: BelievedFacts): boolean {
    return this.#feed === undefined || this.#standingOf(facts, this.#feed) === 'good'
  }

  /** Silence makes everything doubtful, and so does a life longer than announcements are remembered. */
  #standingOf(facts: BelievedFacts, feed: RevocationFeed): Standing {
    const standing = feed.standingOf(facts)
    if (standing === 'revoked') return standing
    const isLong = facts.expiresAt - facts.issuedAt > rememberedSeconds - skewSecondsMax
    return feed.isTrusted && !isLong ? standing : 'doubtful'
  }

  /** @returns what the feed says of the subscription, undefined without one */
  feedStatus(): FeedStatus | undefined {
    return this.#feed?.status()
  }

  close(): void {
    if (!this.#isFeedShared) this.#feed?.close()
    this.#reports?.close()
  }

  // A key that the issuer withdrew takes its tokens with it, so the memo is asked with the current key set.
  #remembered(tokenHash: string, now: EpochSeconds, keys: Known | undefined): TokenFacts | undefined {
    if (keys === undefined) return undefined
    const memo = this.#jwts.get(tokenHash, now)
    if (memo === undefined || !keys.thumbprints.has(memo.keyThumbprint)) return undefined
    return this.#feed?.isKeyRevoked(memo.keyThumbprint) === true ? undefined : memo.facts
  }

  /** A phantom token, as the gateway hands it on: the issuer's signed answer, or the JWT of a split token, joined. */
  async judgePhantom(phantom: string, now: EpochSeconds): Promise<Outcome<TokenFacts>> {
    const { issuer: issuerUrl, audience, algs, futureSeconds } = this.#settings
    const facts =
      this.#settings.gateway?.splitTokens === true && isAccessToken(phantom)
        ? // In a memory of its own: what came through the gateway is not accepted from a client.
          await this.#judgeJwt(phantom, `joined ${sha256(phantom)}`, now)
        : await judgeSignedAnswer(
            phantom,
            { issuer: this.#issuer, issuerUrl, audience, algs, futureSeconds },
            now,
          ).then(answer => (answer.ok ? judgeIntrospected(answer.value, issuerUrl, audience) : answer))
    if (facts.ok && this.#feed?.standingOf(facts.value) === 'revoked') return revokedByFeed
    return await this.#judgeNow(facts, now)
  }

  #judgeTime(found: Outcome<TokenFacts>, now: EpochSeconds): Outcome<TokenFacts> {
    if (!found.ok) return found
    const facts = found.value
    const { futureSeconds, expirySkewSeconds } = this.#settings
    const untimely = firstRefusal(tokenTimeRules, {
      expiresAt: facts.expiresAt,
      issuedAt: facts.issuedAt,
      notBefore: facts.notBefore,
      now,
      // Introspection is the issuer's own clock; there is nothing to forgive.
      expirySkewSeconds: facts.form === 'jwt' ? expirySkewSeconds : 0,
      futureSeconds,
      lifetimeSecondsMax: this.#settings.lifetimeSecondsMax,
    })
    return untimely ?? found
  }

  /** Loads metadata and keys before the first request. @returns whether they are at hand */
  async warmUp(): Promise<boolean> {
    return (await this.#issuer.ready()).ok
  }

  /** Forgets what matches: the next request asks again. @returns how many were forgotten */
  evict(matches: (facts: TokenFacts) => boolean): number {
    return this.#jwts.deleteWhere(({ facts }) => matches(facts)) + (this.#introspector?.evict(matches) ?? 0)
  }

  /** Fetches the issuer's keys now, e.g. when one is known to be compromised. */
  refreshKeys(): Promise<boolean> {
    return this.#issuer.refresh()
  }

  async #find(token: string, tokenHash: string, now: EpochSeconds): Promise<Outcome<TokenFacts>> {
    const { tokens } = this.#settings
    const introspector = this.#introspector
    if (introspector === undefined && tokens.jwt !== true)
      return refuse(
        'evidence.required',
        ['HFE-2'],
        'invalid_token',
        'this API is reached through its gateway',
      )
    const ask = async (): Promise<Outcome<TokenFacts>> => {
      if (introspector === undefined) return unknownStanding
      const live = await introspector.introspect(token, tokenHash, facts => this.isBelieved(facts))
      return live.ok && this.#feed?.standingOf(live.value) === 'revoked' ? revokedByFeed : live
    }
    // Without introspection JWTs are accepted: options with neither are refused when the API starts.
    if (introspector !== undefined && (tokens.jwt !== true || !token.includes('.'))) return ask()
    const jwt = await this.#judgeJwt(token, tokenHash, now)
    if (!jwt.ok || !this.#mustAsk(jwt.value)) return jwt
    if (this.#feed?.standingOf(jwt.value) === 'revoked') return revokedByFeed
    const live = await ask()
    if (!live.ok) return live
    return live.value.jti === jwt.value.jti
      ? jwt
      : refuse(
          'access-token.mismatch',
          ['RFC7662-2.2'],
          'invalid_token',
          'introspection speaks of another token',
        )
  }

  /** Whether a JWT that is good by itself must be asked about. */
  #mustAsk(facts: TokenFacts): boolean {
    const { jwtRevocation = 'introspection' } = this.#settings.tokens
    // With a feed beside it, what the feed denies is denied whatever else was chosen.
    if (this.#feed?.standingOf(facts) === 'revoked') return true
    if (jwtRevocation === 'feed') return !this.isBelieved(facts)
    return this.#isLiveAsked
  }

  async #judgeJwt(token: string, tokenHash: string, now: EpochSeconds): Promise<Outcome<TokenFacts>> {
    const known = await this.#issuer.ready()
    if (!known.ok) return known
    const remembered = this.#remembered(tokenHash, now, known.value)
    if (remembered !== undefined) return accept(remembered)

    const { algs, issuer, audience, expirySkewSeconds } = this.#settings
    const jws = parseCompactJws(token, accessTokenBytesMax, 'invalid_token')
    if (!jws.ok) return jws
    const { header } = jws.value
    const unfit = firstRefusal(tokenHeaderRules, { header, algs })
    if (unfit !== undefined) return unfit
    const key = await this.#keyThatSigned(jws.value)
    if (!key.ok) return key
    const claims = jws.value.claims as TokenClaims
    const wrong = firstRefusal(tokenClaimsRules, { claims, issuer, audience })
    if (wrong !== undefined) return wrong
    const facts = factsOf(claims, 'jwt')
    const entry = { facts, keyThumbprint: key.value.thumbprint }
    this.#jwts.set(tokenHash, entry, now, facts.expiresAt + expirySkewSeconds)
    return accept(facts)
  }

  async #keyThatSigned(jws: ParsedJws): Promise<Outcome<PublicKey>> {
    const { kid } = jws.header
    if (kid !== undefined && typeof kid !== 'string')
      return refuse('access-token.key', ['RFC9068-4-5'], 'invalid_token', '`kid` is not text')
    const key = await signingKeyOf(jws, this.#issuer, this.#settings.algs)
    if (!key.ok) return key
    if (key.value !== undefined) return accept(key.value)
    if (kid !== undefined) this.#reports?.doubted()
    return refuse('access-token.signature', ['RFC9068-4-4'], 'invalid_token', 'the signature does not verify')
  }
}

/** Only which rules it is to be judged by. */
function isAccessToken(phantom: string): boolean {
  const jws = parseCompactJws(phantom, answerBytesMax)
  return jws.ok && accessTokenTyp.test(String(jws.value.header.typ))
}
