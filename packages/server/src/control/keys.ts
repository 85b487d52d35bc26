import { keySetVersion } from '@holdfast/protocol/key-report.ts'
import type { Ring } from '../keys/ring.ts'
import type {
  KeyList,
  RevokedKeyAnswer,
  RevokeKeyRequest,
  RotatedKeys,
  RotateKeysRequest,
} from './admin-api.ts'
import type { ControlPorts } from './apply.ts'
import { issuersNamed } from './issuers-named.ts'

/** What the control plane may do with keys: never see one, and open nothing. */
export type KeyDesk = Pick<Ring, 'list' | 'verifiers' | 'rotate' | 'revoke' | 'seal'>

type Places = Pick<ControlPorts, 'issuers' | 'newReference' | 'store'>

/** @returns undefined when no issuer has that name */
export async function listKeys(
  desk: KeyDesk,
  places: Places,
  issuer: string | undefined,
): Promise<KeyList | undefined> {
  const urls = urlsOf(places, issuer)
  if (urls.length === 0) return undefined
  return {
    keys: urls.flatMap(url => desk.list(url).map(key => ({ issuer: url, ...key }))),
    published: urls.map(url => ({ issuer: url, version: keySetVersion(publishedOf(desk, url)) })),
    verifiers: urls.flatMap(url =>
      desk.verifiers(url).map(({ issuer, clientId, instance, keys, since, seenAt, unverified }) => ({
        ...{ issuer, clientId, instance, since, seenAt, unverified },
        holds: keySetVersion(keys),
      })),
    ),
  }
}

/** @returns undefined when no issuer has that name, or none of them signs with that algorithm */
export async function rotateKeys(
  desk: KeyDesk,
  places: Places,
  { issuer, alg }: RotateKeysRequest,
): Promise<RotatedKeys | undefined> {
  const reference = places.newReference()
  const wanted = urlsOf(places, issuer).flatMap(url => {
    const algs = new Set(desk.list(url).flatMap(key => (key.state === 'active' ? [key.alg] : [])))
    return [...algs].filter(one => alg === undefined || alg === one).map(one => ({ issuer: url, alg: one }))
  })
  if (wanted.length === 0) return undefined
  const rotated = await desk.rotate(wanted, reference, places.store.commit)
  const skipped = wanted.filter(
    place => !rotated.some(one => one.issuer === place.issuer && one.alg === place.alg),
  )
  return { rotated, skipped, reference }
}

/** @returns undefined when no issuer has such a key, or it was taken back before */
export async function revokeKey(
  desk: KeyDesk,
  places: Places,
  { kid }: RevokeKeyRequest,
): Promise<RevokedKeyAnswer | undefined> {
  const reference = places.newReference()
  for (const { url } of places.issuers) {
    const revoked = await desk.revoke(url, kid, reference, places.store.commit)
    if (revoked !== undefined) return { issuer: url, ...revoked, reference }
  }
  return undefined
}

function publishedOf(desk: KeyDesk, issuer: string): readonly string[] {
  const isPublished = (state: string): boolean => state !== 'retired' && state !== 'revoked'
  return desk.list(issuer).flatMap(({ kid, state }) => (isPublished(state) ? [kid] : []))
}

function urlsOf({ issuers }: Places, asked: string | undefined): readonly string[] {
  return issuersNamed(asked, issuers).map(({ url }) => url)
}
