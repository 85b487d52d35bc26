import { readsValueAt } from '../cedar/context-reads.ts'
import { dataStringLengthMax } from '../cedar/json.ts'
import type { PolicySet } from '../policy-set.ts'
import { readsOf } from './compile.ts'
import type { AuthorizeQuestion, MintQuestion } from './question.ts'

/** Asked in each flow: with or without a user, before there is a token. */
type Asked = AuthorizeQuestion | MintQuestion

/** What each flow brings anew, and where policies find it. All the rest of a question is asked again and again. */
const passing: readonly {
  readonly path: string
  readonly of: (question: Asked) => string | number | undefined
}[] = [
  { path: 'asked.time', of: ({ asked }) => asked.time },
  { path: 'user', of: ({ user }) => user.subject },
  { path: 'session', of: ({ user }) => user.sid },
  { path: 'authAgeSeconds', of: ({ user }) => user.authAgeSeconds },
]

/**
 * Whether time, user, session and age of the sign-in cannot change the answer to a question: policies of its moment look
 * at none of those that are in it. Whether one is in it may count.
 */
export function ignoresPassing(set: PolicySet): (question: Asked) => boolean {
  const ignored = { authorize: ignoredAt(set, 'authorize'), mint: ignoredAt(set, 'mint') }
  return question => {
    const isIgnored = ignored[question.moment]
    return passing.every(({ of }, index) => {
      const value = of(question)
      return value === undefined || (isIgnored[index] === true && isReadable(value))
    })
  }
}

function ignoredAt(set: PolicySet, moment: Asked['moment']): readonly boolean[] {
  const reads = readsOf(set, moment)
  return passing.map(({ path }) => !reads.some(one => readsValueAt(one, path)))
}

/** What cannot be read denies, whether policies look at it or not. */
function isReadable(value: string | number): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value)
  return value.length <= dataStringLengthMax && value.isWellFormed()
}
