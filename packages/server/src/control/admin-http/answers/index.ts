import type { z } from 'zod'
import type { AdminOperation } from '../visit.ts'
import { accessAnswers } from './access.ts'
import { answerAboutKind, documentAnswers } from './documents.ts'
import { governanceAnswers } from './governance.ts'

const byId = new Map<string, z.ZodType>(
  Object.entries({ ...documentAnswers, ...accessAnswers, ...governanceAnswers }),
)

/** What an operation answers when it was done. @throws TypeError for one that nobody described */
export function answerOf({ id, path }: Pick<AdminOperation, 'id' | 'path'>): z.ZodType {
  const kind = path.split('/')[3] ?? ''
  const schema = byId.get(id) ?? answerAboutKind(id.slice(0, -kind.length), kind)
  if (schema === undefined) throw new TypeError(`nobody described the answer of ${id}`)
  return schema
}
