import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { workerData } from 'node:worker_threads'
import { systemClock } from '@holdfast/server/clock.ts'
import { openDevelopmentCa } from '@holdfast/server/tls/development-ca.ts'
import type { WantedCertificates } from './certificates-ahead.ts'
import { demoCertificates } from './demo/certificates.ts'

const { dataFolder, demo } = workerData as WantedCertificates
mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
const authority = await openDevelopmentCa(join(dataFolder, 'tls'), systemClock.now())
if (demo) await demoCertificates(authority)
