import { createHmac } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import type { EpochSeconds, HandleHash } from '@holdfast/protocol'
import type { Ports } from '../../ports.ts'
import type { Write } from '../../store/writes.ts'
import { hashOfHandle } from '../handle.ts'

export interface AttemptLimits {
  readonly accountFailuresMax: number
  readonly accountWindowSeconds: number
  readonly delaySeconds: number
  readonly delaySecondsMax: number
  readonly sourceFailuresMax: number
  readonly sourceWindowSeconds: number
}

/** Failed logins (threat model section 6): per account then delay, per source prefix then refusal. */
export const attemptLimits: AttemptLimits = {
  accountFailuresMax: 10,
  accountWindowSeconds: 600,
  delaySeconds: 30,
  delaySecondsMax: 600,
  sourceFailuresMax: 100,
  sourceWindowSeconds: 60,
}

/**
 * Wrong codes of one user. Whoever gets this far knows the password, and a code has a million values: counted over a
 * day, and not forgotten by a password that is right.
 */
export const secondFactorLimits: AttemptLimits = {
  ...attemptLimits,
  accountFailuresMax: 5,
  accountWindowSeconds: 86_400,
  delaySecondsMax: 3600,
}

/** What a login attempt is counted under. The keys are digests: the store learns neither name nor address. */
export interface AttemptKeys {
  readonly account: HandleHash
  readonly source: HandleHash
}

/** @param username as typed; unknown names are counted like known ones, or the delay would tell them apart */
export function attemptKeys(
  ports: Ports,
  issuer: string,
  username: string,
  remoteAddress: string,
): AttemptKeys {
  return {
    account: keyOf(ports, issuer, 'account', username.normalize('NFKC').toLowerCase()),
    source: keyOf(ports, issuer, 'source', sourcePrefix(remoteAddress)),
  }
}

/** For codes and passkeys: apart from the count of passwords, so that the one never clears the other. */
export function secondFactorKeys(
  ports: Ports,
  issuer: string,
  subject: string,
  remoteAddress: string,
): AttemptKeys {
  return {
    account: keyOf(ports, issuer, 'second-factor', subject),
    source: keyOf(ports, issuer, 'source', sourcePrefix(remoteAddress)),
  }
}

function keyOf(ports: Ports, issuer: string, what: string, text: string): HandleHash {
  const mac = createHmac('sha256', ports.keys.secret(issuer, 'login-attempts'))
  return hashOfHandle('failures', issuer, mac.update(`${what}\n${text}`).digest('base64url'))
}

/** @returns seconds to wait before the next attempt, 0 when it may be made now */
export async function secondsToWait(
  ports: Ports,
  keys: AttemptKeys,
  now: EpochSeconds,
  limits: AttemptLimits = attemptLimits,
): Promise<number> {
  const [account, sourceWait] = await Promise.all([
    ports.store.findFailures(keys.account, now),
    secondsToWaitOfSource(ports, keys, now),
  ])
  const beyond = (account?.count ?? 0) - limits.accountFailuresMax
  const delay =
    beyond < 0 ? 0 : Math.min(limits.delaySeconds * 2 ** Math.min(beyond, 10), limits.delaySecondsMax)
  const accountWait = delay === 0 ? 0 : (account?.lastAt ?? now) + delay - now
  return Math.max(0, accountWait, sourceWait)
}

/** For what cannot be guessed, where only the network counts. */
export async function secondsToWaitOfSource(
  ports: Ports,
  { source }: Pick<AttemptKeys, 'source'>,
  now: EpochSeconds,
): Promise<number> {
  const { sourceFailuresMax, sourceWindowSeconds } = attemptLimits
  const counted = await ports.store.findFailures(source, now)
  return (counted?.count ?? 0) >= sourceFailuresMax ? sourceWindowSeconds : 0
}

export function countFailure(
  keys: AttemptKeys,
  at: EpochSeconds,
  { accountWindowSeconds, sourceWindowSeconds }: AttemptLimits = attemptLimits,
): readonly Write[] {
  return [
    { kind: 'count-failure', key: keys.account, at, windowSeconds: accountWindowSeconds },
    { kind: 'count-failure', key: keys.source, at, windowSeconds: sourceWindowSeconds },
  ]
}

/** For what cannot be guessed: only the network it came from is counted. */
export function countSource({ source }: AttemptKeys, at: EpochSeconds): readonly Write[] {
  return [{ kind: 'count-failure', key: source, at, windowSeconds: attemptLimits.sourceWindowSeconds }]
}

/** IPv4 /24, IPv6 /56: what one customer of a provider can choose from. */
export function sourcePrefix(address: string): string {
  const v4 = address.replace(/^::ffff:/i, '')
  if (isIPv4(v4)) return `${v4.split('.').slice(0, 3).join('.')}.0/24`
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after].map(group =>
    Number.parseInt(group, 16),
  )
  const [a = 0, b = 0, c = 0, d = 0] = groups
  return `${[a, b, c, d & 0xff00].map(group => group.toString(16)).join(':')}::/56`
}

/** Attempts on one account wait for each other, so that parallel ones cannot outrun the count. */
export interface AccountTurns {
  /** @returns undefined when too many are waiting already */
  readonly take: <T>(account: HandleHash, work: () => Promise<T>) => Promise<T | undefined>
}

const waitingMax = 10

export function openAccountTurns(): AccountTurns {
  const tails = new Map<HandleHash, { last: Promise<unknown>; waiting: number }>()
  return {
    take: async (account, work) => {
      const line = tails.get(account) ?? { last: Promise.resolve(), waiting: 0 }
      if (line.waiting >= waitingMax) return undefined
      tails.set(account, line)
      line.waiting += 1
      const mine = line.last.then(work, work)
      line.last = mine.catch(() => undefined)
      try {
        return await mine
      } finally {
        line.waiting -= 1
        if (line.waiting === 0) tails.delete(account)
      }
    },
  }
}
