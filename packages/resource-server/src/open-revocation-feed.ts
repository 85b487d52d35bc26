import { Issuer } from './issuer.ts'
import { type Clock, type Entropy, type Fetch, systemClock, systemEntropy, systemFetch } from './ports.ts'
import { RevocationFeed, type RevocationFeedOptions } from './revocation-feed.ts'

export interface FeedSubscription extends RevocationFeedOptions {
  /** Issuer identifier. */
  readonly issuer: string
  readonly onAlarm?: (alarm: string, cause: unknown) => void
  readonly fetch?: Fetch
  readonly clock?: Clock
  readonly entropy?: Entropy
}

/**
 * One subscription for all APIs of a process: the issuer gives each client sixteen. Hand it to every
 * `tokens.revocationFeed`, and close it when the last API is closed.
 * @throws TypeError when `silenceBoundMs` or `entriesMax` is out of bounds
 */
export function openRevocationFeed(subscription: FeedSubscription): RevocationFeed {
  const { issuer, fetch = systemFetch, clock = systemClock, entropy = systemEntropy } = subscription
  const onAlarm = subscription.onAlarm ?? (() => undefined)
  const feed = new RevocationFeed(subscription, {
    ...{ issuerUrl: issuer, fetch, clock, entropy, onAlarm },
    issuer: new Issuer({ issuer, fetch, clock, onAlarm }),
  })
  void feed.run()
  return feed
}
