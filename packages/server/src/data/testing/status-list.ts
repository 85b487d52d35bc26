import assert from 'node:assert/strict'
import { inflateSync } from 'node:zlib'
import { statusAt } from '@holdfast/protocol/specs/token-status-list/status-list.ts'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import type { Reply } from '../../http/exchange.ts'
import type { ResourceServer } from '../../snapshot/snapshot.ts'
import { statusListRoom } from '../status-list/room.ts'
import { payments, resourceServers } from './clients.ts'
import { issuerUrl, type World } from './world.ts'

/** The usual ones, where JWTs for payments name their place in a status list. */
export const withLists: readonly ResourceServer[] = resourceServers.map(server =>
  server.audience === payments ? { ...server, hasStatusList: true } : server,
)

export interface Place {
  readonly idx: number
  readonly uri: string
}

export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

export function placeOf(token: string): Place {
  const { status } = claimsOf(token) as { readonly status: { readonly status_list: Place } }
  return status.status_list
}

export function fetchList(world: World, uri: string, options: object = {}): Promise<Reply> {
  const { pathname } = new URL(uri)
  return world.send(statusListRoom, pathname, {
    method: 'GET',
    params: { id: pathname.slice(pathname.lastIndexOf('/') + 1) },
    ...options,
  })
}

/** As an independent verifier reads it: by `jose`, with the published keys, five seconds on. */
export async function statusOf(world: World, token: string): Promise<number | undefined> {
  world.clock.advance(5)
  const { idx, uri } = placeOf(token)
  const reply = await fetchList(world, uri)
  assert.equal(reply.status, 200)
  const jwks = JSON.parse(world.ports.keys.published(issuerUrl).body.toString()) as JSONWebKeySet
  const { payload } = await jwtVerify(String(reply.body), createLocalJWKSet(jwks), {
    typ: 'statuslist+jwt',
    subject: uri,
    issuer: issuerUrl,
    currentDate: new Date(world.clock.now() * 1000),
    requiredClaims: ['iat', 'exp', 'ttl'],
  })
  const { bits, lst } = payload.status_list as { readonly bits: 1; readonly lst: string }
  const bytes = inflateSync(Buffer.from(lst, 'base64url'))
  assert.equal(bytes.length, 16_384)
  return statusAt(bytes, bits, idx)
}
