import { hash } from 'node:crypto'
import { type EpochSeconds, type HandleHash, secondsAfter } from '@holdfast/protocol'
import { promptSeconds, promptsMax } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { hashOfHandle } from '../handle.ts'
import { outstandingKey } from '../par/outstanding.ts'

/**
 * The places that prompts of one user can take, whoever asks. One is free again when the user allows what took it, or
 * else when it has lasted five minutes and its request has expired: who asks a user in vain asks no more than that.
 */
export async function freePrompts(
  ports: Ports,
  issuer: string,
  subject: string,
  now: EpochSeconds,
): Promise<readonly HandleHash[]> {
  const keys = Array.from({ length: promptsMax }, (_, place) => promptKey(issuer, subject, place))
  const holders = await Promise.all(keys.map(key => ports.store.findPrompt(key, now)))
  return keys.filter((_, index) => holders[index] === undefined)
}

/** Until when a prompt keeps its place. */
export function promptEndsAt(now: EpochSeconds, lifetimeSeconds: number): EpochSeconds {
  return secondsAfter(now, Math.max(promptSeconds, lifetimeSeconds))
}

/** Under what the requests of a client are counted that wait for their users. */
export function outstandingCibaKey(exchange: Exchange, client: Client): string {
  return `ciba ${outstandingKey(exchange, client)}`
}

function promptKey(issuer: string, subject: string, place: number): HandleHash {
  return hashOfHandle('prompt', issuer, hash('sha256', `${place}\n${subject}`, 'base64url'))
}
