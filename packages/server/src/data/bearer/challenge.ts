import type { JwsAlg, Refusal } from '@holdfast/protocol'
import type { TokenScheme } from '@holdfast/protocol/specs/rfc6750-bearer/rules.ts'
import { challenge } from '@holdfast/protocol/wire/challenge.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import { noStore } from '../render/json.ts'
import { publicSentence } from '../render/public-sentence.ts'

export const offeredSchemes: readonly TokenScheme[] = ['DPoP', 'Bearer']

export interface ChallengeOptions {
  /** Schemes the request used: only their challenges carry the error (RFC 9449 section 7.2). */
  readonly used: readonly TokenScheme[]
  readonly algs: readonly JwsAlg[]
  /** Named when it is what lacks. */
  readonly requiredScope: string
  readonly nonce: Reply['headers']
}

/** A refusal in the dialect of RFC 6750 and RFC 9449. Without credentials: a bare challenge, no error. */
export function challengeReply(exchange: Exchange, refusal: Refusal, options: ChallengeOptions): Reply {
  const { used, algs, nonce, requiredScope } = options
  const status = statusOf(refusal)
  const description = publicSentence(exchange, refusal)
  const isBare = used.length === 0 && status === 401
  const error = [
    ['error', refusal.error],
    ['error_description', description],
    ...(refusal.error === 'insufficient_scope' ? [['scope', requiredScope] as const] : []),
  ] as const
  const challenges = offeredSchemes
    .filter(scheme => used.length === 0 || used.includes(scheme) || status === 401)
    .map(scheme => {
      const params = used.includes(scheme) ? error : []
      return challenge(scheme, scheme === 'DPoP' ? [...params, ['algs', algs.join(' ')]] : params)
    })
  return {
    status,
    headers: [
      ['content-type', 'application/json'],
      ...noStore,
      ...challenges.map(value => ['www-authenticate', value] as const),
      ...nonce,
    ],
    body: JSON.stringify(isBare ? {} : { error: refusal.error, error_description: description }),
  }
}

function statusOf({ error }: Refusal): number {
  if (error === 'invalid_request') return 400
  return error === 'insufficient_scope' ? 403 : 401
}
