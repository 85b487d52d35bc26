import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Bootstrap } from '@holdfast/server/control/bootstrap/bootstrap.ts'

export type WantedCertificates = Pick<Bootstrap, 'dataFolder' | 'demo'>

/**
 * Makes what a first start needs of the development authority in a thread of its own, while the server is loaded in this
 * one. Only a head start: what it leaves undone, whoever opens the authority does, or says why it cannot be done.
 * @returns when nothing writes there any more
 */
export async function certificatesAhead({ tls, dataFolder, demo }: Bootstrap): Promise<void> {
  if (tls !== undefined || existsSync(join(dataFolder, 'tls', 'server.pem'))) return
  const wanted: WantedCertificates = { dataFolder, demo }
  const thread = new Worker(new URL('./certificates-thread.ts', import.meta.url), { workerData: wanted })
  thread.on('error', () => undefined)
  await new Promise(resolve => thread.once('exit', resolve))
}
