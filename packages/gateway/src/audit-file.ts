import { open } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AccessEvent, AuditSink } from '@holdfast/resource-server'

export interface AuditFile {
  readonly sink: AuditSink
  readonly close: () => Promise<void>
}

interface Waiting {
  readonly line: string
  readonly written: () => void
  readonly failed: (cause: unknown) => void
}

/** Records that wait for the disk at one time; beyond it decisions are not recorded, so nobody is let in. */
const waitingMax = 10_000

/**
 * One JSON line per decision, on the disk before the answer leaves (I27); requests of one moment share a flush. After a
 * failed write nothing is written any more: a file that lost a line is no evidence, and a new start opens it anew.
 */
export async function openAuditFile(path: string, onFailure: (cause: unknown) => void): Promise<AuditFile> {
  const file = await open(path, 'a', 0o600)
  let waiting: Waiting[] = []
  let writing: Promise<void> | undefined
  let broken: unknown

  const flush = async (): Promise<void> => {
    // The first of several in one turn must not go alone: all others would wait until it is through.
    await nextTurn()
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        if (broken !== undefined) throw broken
        await file.appendFile(batch.map(({ line }) => line).join(''))
        await file.datasync()
        for (const { written } of batch) written()
      } catch (cause) {
        if (broken === undefined) onFailure(cause)
        broken = cause
        for (const { failed } of batch) failed(cause)
      }
    }
    writing = undefined
  }

  const sink = (event: AccessEvent): Promise<void> => {
    if (waiting.length >= waitingMax) return Promise.reject(new Error('too many audit records wait'))
    const line = `${JSON.stringify(event)}\n`
    return new Promise((written, failed) => {
      waiting.push({ line, written, failed })
      writing ??= flush()
    })
  }
  return {
    sink,
    close: async () => {
      await writing
      await file.close()
    },
  }
}
