import type { RevocationFeed, VerifiedToken } from '@holdfast/resource-server'
import type { Route } from './apis.ts'

/** How often the streams are looked at when nothing was announced: silence ends them too. */
const lookMs = 250

interface Conversation {
  readonly isBelieved: () => boolean
  readonly end: () => void
}

/**
 * Event streams and WebSockets: let in once, and going on. Each ends when its token expires, when the feed says that it
 * ended or may have, and when the feed is silent for too long; the client comes back and is judged anew.
 */
export class LongConversations {
  readonly #open = new Set<Conversation>()
  readonly #hasFeed: boolean
  #timer: NodeJS.Timeout | undefined

  constructor(feed: RevocationFeed | undefined) {
    this.#hasFeed = feed !== undefined
    feed?.listen({ onRevoked: () => this.#look(), onResync: () => this.#look() })
  }

  /** @param mostMs how long the token still lives @returns to be called when it ended by itself */
  begin({ api }: Route, token: VerifiedToken, mostMs: number, end: () => void): () => void {
    const expiry = setTimeout(end, mostMs)
    const conversation = { isBelieved: () => api.server.isBelieved(token), end }
    this.#open.add(conversation)
    if (this.#hasFeed) this.#timer ??= setInterval(() => this.#look(), lookMs)
    return () => {
      clearTimeout(expiry)
      this.#open.delete(conversation)
      if (this.#open.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #look(): void {
    for (const conversation of this.#open) if (!conversation.isBelieved()) conversation.end()
  }
}
