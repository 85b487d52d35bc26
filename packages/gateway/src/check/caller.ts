import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { checkKeyCharactersMin, checkKeyHeader } from '@holdfast/protocol/specs/holdfast-check/rules.ts'
import { headerValues } from '@holdfast/resource-server/adapters/node.ts'
import { connectionOf } from '../peer.ts'
import type { CheckOptions } from './options.ts'

const keysMax = 2

/** Names the listed proxy that asks; undefined for anybody else. */
export type NameCaller = (incoming: IncomingMessage) => string | undefined

/** @throws TypeError when nobody is listed, or a key could be guessed */
export function callersOf({ callers = [], keys = [] }: CheckOptions): NameCaller {
  if (callers.length === 0 && keys.length === 0)
    throw new TypeError('check: neither `callers` nor `keys` says who may ask')
  if (keys.length > keysMax) throw new TypeError(`check.keys: more than ${keysMax}`)
  if (keys.some(key => key.length < checkKeyCharactersMin || !/^[\x21-\x7e]+$/.test(key)))
    throw new TypeError(`check.keys: a key has fewer than ${checkKeyCharactersMin} plain characters`)
  const listed = new Set(callers)
  const digests = keys.map(digestOf)
  return ({ socket, rawHeaders }) => {
    const { certificate } = connectionOf(socket)
    if (certificate !== undefined && listed.has(certificate.x5tS256)) return certificate.x5tS256
    const shown = headerValues(rawHeaders, checkKeyHeader)
    if (shown.length !== 1) return undefined
    const digest = digestOf(shown[0] ?? '')
    // Of equal length, so that neither length nor place of a difference shows in time.
    return digests.some(known => timingSafeEqual(known, digest)) ? 'shared key' : undefined
  }
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
