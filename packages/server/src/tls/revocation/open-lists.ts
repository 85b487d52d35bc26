import { X509Certificate } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import type { EpochSeconds } from '@holdfast/protocol'
import type {
  CertificateStanding,
  RevocationPolicy,
} from '@holdfast/protocol/specs/rfc8705-mtls/revocation-rules.ts'
import type { OpenMetrics } from '../../observe/metrics.ts'
import type { CertificateLists, Clock, Log } from '../../ports.ts'
import { listBytesMax, type ReadList, readList } from './read-list.ts'
import { isSignedBy } from './verify-list.ts'

/** What the operator says of one issuer. */
export interface IssuerCertificateLists {
  /** URL of the issuer. */
  readonly issuer: string
  readonly policy: RevocationPolicy
  /** PEM certificates of its trust anchors. */
  readonly anchors: readonly string[]
  readonly files: readonly string[]
}

export interface CertificateListsOptions {
  readonly issuers: readonly IssuerCertificateLists[]
  readonly clock: Clock
  readonly log: Log
}

export interface OpenCertificateLists extends CertificateLists {
  /** Looks at the files now. */
  readonly look: () => Promise<void>
  /** Looks at them from time to time. @returns ends it */
  readonly watch: (metrics: Pick<OpenMetrics, 'set'>) => () => void
}

/** `unusable`: there is a file, and nothing of it can be believed. */
const listStandings = ['fresh', 'stale', 'unusable'] as const
type ListStanding = (typeof listStandings)[number]

const lookMs = 60_000
/** What is wrong is said again after this long. */
const remindSeconds = 3600
/** A clock of another machine may be ahead of ours by this much. */
const aheadSecondsMax = 60

/** What is kept of a list: not its bytes. */
interface KeptList extends Pick<ReadList, 'thisUpdate' | 'nextUpdate' | 'revoked'> {
  /** SHA-256 fingerprints of the trust anchors that it speaks for. */
  readonly of: ReadonlySet<string>
}

/** A file of lists, and the last of them that could be believed. */
interface Watched {
  readonly issuer: string
  readonly path: string
  readonly anchors: readonly X509Certificate[]
  /** Of what was read last; undefined: look again, whatever the file says of itself. */
  stamp: string | undefined
  problem: string | undefined
  list: KeptList | undefined
  toldAt: EpochSeconds | undefined
}

/**
 * Reads the lists, and again when a file changes. The last list that was good stays when its file is damaged, or goes
 * back to an older one; what it says ends with the time it names itself.
 * @returns when every file was looked at once
 */
export async function openCertificateLists(options: CertificateListsOptions): Promise<OpenCertificateLists> {
  const { issuers, clock, log } = options
  const policies = new Map(issuers.map(({ issuer, policy }) => [issuer, policy]))
  const looking = issuers
    .filter(({ policy }) => policy !== 'off')
    .map(({ anchors, ...one }) => ({ ...one, anchors: anchors.map(pem => new X509Certificate(pem)) }))
  const watched = looking.flatMap(({ issuer, anchors, files }): Watched[] => {
    const none = { stamp: undefined, problem: undefined, list: undefined, toldAt: undefined }
    return files.map(path => ({ issuer, path, anchors, ...none }))
  })
  const lookOnce = async (): Promise<void> => {
    const now = clock.now()
    for (const one of watched) {
      await lookAt(one, now)
      tell(one, now, log)
    }
  }
  let underWay: Promise<void> | undefined
  const look = (): Promise<void> => {
    underWay ??= lookOnce().finally(() => {
      underWay = undefined
    })
    return underWay
  }
  await look()
  for (const { issuer, anchors } of looking)
    for (const { fingerprint256, subject } of anchors)
      if (!watched.some(one => one.issuer === issuer && one.list?.of.has(fingerprint256)))
        log.warn('client-certificates.no-list', { issuer, authority: subject })
  return {
    standing: (issuer, anchor, certificate, now) => ({
      policy: policies.get(issuer) ?? 'off',
      standing: standingIn(
        watched.filter(one => one.issuer === issuer),
        anchor,
        certificate,
        now,
      ),
    }),
    look,
    watch: metrics => {
      const report = (): void => {
        const now = clock.now()
        for (const standing of listStandings) {
          const count = watched.filter(one => standingOf(one, now) === standing).length
          metrics.set('certificate_lists', { standing }, count)
        }
      }
      report()
      const timer = setInterval(() => void look().then(report), lookMs).unref()
      return () => clearInterval(timer)
    },
  }
}

function standingIn(
  watched: readonly Watched[],
  anchor: X509Certificate,
  certificate: X509Certificate,
  now: EpochSeconds,
): CertificateStanding {
  const serial = certificate.serialNumber.toLowerCase().replace(/^0+(?=.)/, '')
  const lists = watched.flatMap(({ list }) => (list?.of.has(anchor.fingerprint256) ? [list] : []))
  // What a list of yesterday revoked is revoked today; only of what it does not name it knows no more.
  if (lists.some(({ revoked }) => revoked.has(serial))) return 'revoked'
  return lists.some(({ nextUpdate }) => now <= nextUpdate) ? 'good' : 'unknown'
}

async function lookAt(one: Watched, now: EpochSeconds): Promise<void> {
  try {
    const { mtimeMs, size, ino } = await stat(one.path)
    const stamp = `${mtimeMs} ${size} ${ino}`
    if (stamp === one.stamp) return
    const problem = await takeUp(one, await readBounded(one.path), now)
    one.problem = problem
    one.stamp = problem === undefined ? stamp : undefined
  } catch (cause) {
    one.stamp = undefined
    one.problem = cause instanceof Error ? cause.message : String(cause)
  }
}

/** @returns why it is not taken up */
async function takeUp(one: Watched, bytes: Buffer, now: EpochSeconds): Promise<string | undefined> {
  const list = await readList(bytes)
  const signers = await Promise.all(one.anchors.map(anchor => isSignedBy(list, anchor)))
  const of = new Set(
    one.anchors.filter((_anchor, index) => signers[index]).map(({ fingerprint256 }) => fingerprint256),
  )
  if (of.size === 0) return 'no trust anchor of the issuer signed it, or with nothing better than SHA-1'
  if (list.thisUpdate > now + aheadSecondsMax) return 'it begins in the future'
  if (one.list !== undefined && list.thisUpdate < one.list.thisUpdate)
    return 'it is older than the one that was read before'
  const { thisUpdate, nextUpdate, revoked } = list
  one.list = { thisUpdate, nextUpdate, revoked, of }
  return undefined
}

async function readBounded(path: string): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    if (size > listBytesMax) throw new RangeError(`it is larger than ${listBytesMax} bytes`)
    // What grows meanwhile is cut off, and then no list.
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

function standingOf({ list, problem }: Watched, now: EpochSeconds): ListStanding {
  if (problem !== undefined || list === undefined) return 'unusable'
  return now > list.nextUpdate ? 'stale' : 'fresh'
}

function tell(one: Watched, now: EpochSeconds, log: Log): void {
  const standing = standingOf(one, now)
  if (standing === 'fresh') {
    one.toldAt = undefined
    return
  }
  if (one.toldAt !== undefined && now < one.toldAt + remindSeconds && now >= one.toldAt) return
  one.toldAt = now
  const { issuer, path, problem, list } = one
  const nextUpdate = list && new Date(list.nextUpdate * 1000).toISOString()
  log.error('client-certificates.list', { issuer, path, standing, problem, nextUpdate })
}
