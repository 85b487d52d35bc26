import { type Refusal, refuse } from '@holdfast/protocol'
import { personsBehind } from './authority.ts'
import type { AdminVisit } from './visit.ts'

/** Not by a client, nor by one of these, nor by who answers for a client that is one of them. */
export function judgeAnotherPerson(
  visit: Pick<AdminVisit, 'caller' | 'administrators'>,
  names: readonly string[],
): Refusal | undefined {
  const { caller } = visit
  if (!caller.isPerson)
    return refuse(
      'admin.approver-person',
      ['HFA-5'],
      'access_denied',
      'a client approves nothing: a person does',
    )
  return names.flatMap(one => personsBehind(one, visit)).includes(caller.name)
    ? refuse('admin.own-change', ['HFA-5'], 'access_denied', 'another person is needed')
    : undefined
}
