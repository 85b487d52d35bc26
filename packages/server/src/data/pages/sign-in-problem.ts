import type { Reply } from '../../http/exchange.ts'
import { wholeMinutes } from './whole-minutes.ts'
import type { Words } from './words/words.ts'

/** Why a page that signs somebody in is shown again. */
export type SignInProblem =
  | { readonly kind: 'wrong' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'passkey' }
  | { readonly kind: 'wait'; readonly seconds: number }

/** @param said of the page that asks */
export function problemText(
  problem: SignInProblem,
  said: Pick<Words['login'], 'wrong' | 'missing' | 'passkeyRefused'>,
  { login, duration }: Words,
): string {
  switch (problem.kind) {
    case 'wrong':
      return said.wrong
    case 'missing':
      return said.missing
    case 'passkey':
      return said.passkeyRefused
    case 'wait':
      return login.wait(duration(wholeMinutes(problem.seconds)))
    default:
      return problem satisfies never
  }
}

/** Status of the page: one that only asks is 200. */
export function problemStatus(problem: SignInProblem | undefined): number {
  if (problem === undefined) return 200
  return problem.kind === 'wait' ? 429 : 400
}

/** How long somebody has to wait, for programs. */
export function problemHeaders(problem: SignInProblem | undefined): NonNullable<Reply['headers']> {
  return problem?.kind === 'wait' ? [['retry-after', String(problem.seconds)]] : []
}
