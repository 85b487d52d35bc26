import { z } from 'zod'
import type { ApplyResult } from '../../admin-api.ts'
import { pendingChangeContent } from '../../resources/pending-change.ts'
import { answer, count, flag, paged, text } from './answer.ts'

/** A document as it is stored; of which kind its `spec` is says the document. */
const documentOf = (kind: z.ZodType) =>
  z.strictObject({
    apiVersion: text,
    kind,
    metadata: z.strictObject({ name: text, issuer: text.optional() }),
    spec: z.record(text, z.json()),
  })

const applied = answer<ApplyResult>()(
  z.strictObject({
    changes: z.array(
      z.strictObject({
        action: z.enum(['create', 'update', 'unchanged', 'delete']),
        ...{ kind: text, name: text, issuer: text },
        fields: z.array(z.strictObject({ field: text, from: text.optional(), to: text.optional() })),
      }),
    ),
    narrowed: z.array(z.strictObject({ issuer: text, name: text })),
    ...{ dryRun: flag, revision: count, reference: text.optional() },
  }),
)

/** A change that waits; its name is the hash of its content. Of documents `changes` says what was asked for. */
export const waitingChange = z.strictObject({
  name: text,
  ...pendingChangeContent.shape,
  request: z.json().optional(),
})

/** Answers about documents and about changes that wait. */
export const documentAnswers = {
  listDocuments: z.strictObject({
    ...paged,
    revision: count,
    documents: z.array(z.strictObject({ kind: text, name: text, issuer: text, document: documentOf(text) })),
  }),
  applyDocuments: applied,
  listChanges: z.strictObject({ changes: z.array(waitingChange) }),
  readChange: waitingChange,
  // What the operation answers that was proposed.
  confirmChange: z.record(text, z.json()),
  withdrawChange: z.strictObject({ name: text, withdrawn: z.literal(true) }),
}

/** Answers about documents of one kind. @param verb the beginning of the id of the operation */
export function answerAboutKind(verb: string, kind: string): z.ZodType | undefined {
  const document = documentOf(z.literal(kind))
  switch (verb) {
    case 'list':
      return z.strictObject({
        items: z.array(z.strictObject({ document, etag: text })),
        ...paged,
      })
    case 'read':
      return document
    case 'put':
      // The directory keeps no documents: a user is answered as what changed.
      return kind === 'User' ? applied : document
    case 'delete':
      return applied
    default:
      return undefined
  }
}
