import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { Entry } from 'ldapts'
import { answersTooMuch, boundAnswer } from './answer-bytes.ts'
import type { LdapConnection } from './kinds/kind.ts'
import { UnusableAnswer } from './unusable.ts'

/** A directory as the configuration names it. */
export interface LdapAddress {
  /** `ldaps://host:port`. */
  readonly url: string
  readonly bindDn: string
  /** Read for every question: it may be another one by then. */
  readonly readPassword: () => Promise<string>
  readonly caPem: string | undefined
}

/**
 * One connection for each question: what a broken or paused one would leave behind is nobody's. What was said is
 * remembered anyway. Referrals are not followed.
 */
export async function openLdap({ url, bindDn, readPassword, caPem }: LdapAddress): Promise<LdapConnection> {
  // Loaded now: answers are waited for by the millisecond.
  const { AndFilter, Client, EqualityFilter } = await import('ldapts')
  return {
    search: async ({ base, match, objectClass, attributes }, key, timeoutMs) => {
      const password = await readPassword().catch((cause: unknown) => {
        throw new Error('its password cannot be read', { cause })
      })
      // A bind without password succeeds at many directories, as nobody (RFC 4513 section 5.1.2).
      if (password === '') throw new Error('its password is empty')
      let isTooLarge = false
      const client = new Client({
        ...{ url, timeout: timeoutMs, connectTimeout: timeoutMs },
        createSecureConnection: connectBounded(() => {
          isTooLarge = true
        }),
        tlsOptions: { minVersion: 'TLSv1.2', ...(caPem !== undefined && { ca: caPem }) },
      })
      try {
        await client.bind(bindDn, password)
        const filters = [
          new EqualityFilter({ attribute: 'objectClass', value: objectClass }),
          // The key is a value of the protocol, and never text of a filter.
          new EqualityFilter({ attribute: match, value: key }),
        ]
        const { searchEntries } = await client.search(base, {
          ...{ scope: 'sub', derefAliases: 'never', filter: new AndFilter({ filters }) },
          ...{ attributes: [...attributes], sizeLimit: 2, timeLimit: Math.ceil(timeoutMs / 1000) },
        })
        return searchEntries.map(entryOf)
      } catch (cause) {
        if (isTooLarge) throw new UnusableAnswer(answersTooMuch, { cause })
        // What a directory says about a failure can name people; the kind of failure does not.
        const kind = cause instanceof Error ? cause.name : 'no answer'
        throw new Error(`the directory failed (${kind})`, { cause })
      } finally {
        await client.unbind().catch(() => undefined)
      }
    },
  }
}

/** A connection that may bring one answer. @param tooLarge called before it breaks off */
function connectBounded(tooLarge: () => void): typeof connect {
  const open = (port: number, host: string, options?: ConnectionOptions): TLSSocket => {
    const socket = connect(port, host, options)
    boundAnswer(socket, tooLarge)
    return socket
  }
  // The library calls it in this one way of its several.
  return open as typeof connect
}

/** Names of attributes count in any case. */
function entryOf({ dn: _dn, ...entry }: Entry): ReadonlyMap<string, readonly unknown[]> {
  return new Map(
    Object.entries(entry).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? (value as readonly unknown[]) : [value],
    ]),
  )
}
