import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type DemoKit, demoKitFile, exitCodes, type Terminal } from '@holdfast/cli'
import type { AuditSink } from '@holdfast/resource-server'
import { type AdminOptions, adminOver } from '@holdfast/server/control/admin.ts'
import { adminRoutes } from '@holdfast/server/control/admin-http/routes.ts'
import { serveAdminSocket } from '@holdfast/server/control/admin-socket.ts'
import { apply } from '@holdfast/server/control/apply.ts'
import type { Bootstrap } from '@holdfast/server/control/bootstrap/bootstrap.ts'
import { readGeography } from '@holdfast/server/control/bootstrap/geography-file.ts'
import { watchOnboardings } from '@holdfast/server/control/onboarding/watch.ts'
import { textOfProblem } from '@holdfast/server/control/problem.ts'
import { openRevision } from '@holdfast/server/control/revision.ts'
import { testOnlyAnswerRoute } from '@holdfast/server/data/ciba/test-answer.ts'
import { type Geography, noGeography } from '@holdfast/server/data/risk/geography.ts'
import { routes } from '@holdfast/server/data/routes.ts'
import type { EdgeLimits } from '@holdfast/server/http/limits.ts'
import type { KeyCustody } from '@holdfast/server/keys/custody/key-custody.ts'
import { defaultKeyTimes, type KeyTimes } from '@holdfast/server/keys/life.ts'
import { type AdminListener, startServer } from '@holdfast/server/main.ts'
import { openLog } from '@holdfast/server/observe/log.ts'
import { type Clock, Fault, type Log } from '@holdfast/server/ports.ts'
import type { OpenCertificateLists } from '@holdfast/server/tls/revocation/open-lists.ts'
import { connections } from './connections.ts'
import { startDemoApi } from './demo/api.ts'
import { recordOfAccess } from './demo/api-audit.ts'
import { type DemoClient, demoApiClientId, demoClients, demoGatewayClientId } from './demo/clients.ts'
import { demoDocuments, demoUser } from './demo/documents.ts'
import { demoGatewayKit, startDemoGateway } from './demo/gateway.ts'
import { explainStart } from './explain-start.ts'
import { type Ground, openGround, readKeyEncryptionKey } from './ground.ts'
import { openKeyCustody } from './key-custody.ts'
import { remoteEngines } from './remote-engines.ts'
import { signalled } from './signalled.ts'
import { writeStartCard } from './start-card.ts'

export interface ServeInput {
  readonly bootstrap: Bootstrap
  readonly cwd: string
  readonly terminal: Terminal
  readonly log: 'info' | 'warn' | 'error' | 'silent' | undefined
  /** Only what `holdfast drill` starts has one; no setting and no option of a command reaches it. */
  readonly rehearsal?: Rehearsal
}

/** What a drill changes about a development server: keys that live for seconds and that it can break. */
export interface Rehearsal {
  readonly keyTimes: KeyTimes
  readonly keyCustody: KeyCustody
  readonly limits: Partial<EdgeLimits>
  readonly onReady: () => void
}

/** Something to close, in the reverse order of opening. */
type Closer = () => Promise<void> | void

/** Starts everything, prints the start card, runs until a signal, drains. @returns exit code */
export async function serve(input: ServeInput): Promise<number> {
  const { bootstrap, terminal } = input
  const level = input.log ?? (bootstrap.environment === 'development' ? 'warn' : 'info')
  const log = openLog({ level, destination: process.stderr })
  const closers: Closer[] = []
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  const stopped = signalled(terminal)
  try {
    await start(input, log, closers)
  } catch (thrown) {
    // What this process opened itself is closed first, or it would be told as taken.
    await closeAll()
    terminal.err(`holdfast did not start: ${await explainStart(thrown, bootstrap)}`)
    return exitCodes.broken
  }
  const signal = await stopped
  terminal.err(`${signal}: finishing what is under way`)
  await closeAll()
  return exitCodes.done
}

async function start(input: ServeInput, log: Log, closers: Closer[]): Promise<void> {
  const { bootstrap, cwd, terminal, rehearsal } = input
  const { listeners, dataFolder, trustedProxies, environment, testOnlyBackchannelAnswers } = bootstrap
  if (rehearsal !== undefined)
    assert.equal(environment, 'development', 'only a development server is drilled')
  if (testOnlyBackchannelAnswers) log.warn('ciba.tests-answer-for-users')
  const ground = await openGround(bootstrap, log)
  closers.push(ground.close)
  const { control, authority } = ground
  const keyEncryptionKey = readKeyEncryptionKey(bootstrap, control.entropy)
  const isNew = (await control.store.revision()) === 0
  const custody = openKeyCustody(bootstrap.keyCustody, control, isNew)
  closers.push(custody.close)
  const prepared = await prepareDemo(ground, isNew)

  const revision = await openRevision({ store: control.store, issuers: control.issuers, log })
  if (!revision.ok)
    throw new Fault('revision.broken', { detail: revision.problems.map(textOfProblem).join('\n') })
  closers.push(revision.value.close)
  const { snapshot, refresh } = revision.value

  const tls = tlsOf(ground)
  const geography = geographyOf(bootstrap, log)
  const { store, passwords, clock, entropy } = control
  const issuerUrls = control.issuers.map(({ url }) => url)
  const certificateLists = await certificateListsOf(bootstrap, control.clock, log)
  const server = await startServer({
    keyCustody: rehearsal?.keyCustody ?? custody.keyCustody,
    remoteEngines: remoteEngines(bootstrap.remoteEngines),
    connections: connections(bootstrap.connections),
    ...{ issuerUrls, listeners, tls, store, snapshot, keyEncryptionKey, passwords, log, trustedProxies },
    ...{ clock, entropy, geography, refreshSnapshot: refresh },
    ...(certificateLists && { certificateLists }),
    ...(testOnlyBackchannelAnswers && { routes: [...routes, testOnlyAnswerRoute] }),
    ...(bootstrap.admin !== undefined && {
      admin: adminListener(bootstrap.admin, listeners.admin, {
        ...{ ports: control, snapshot, onApplied: refresh, startedAt: clock.now() },
      }),
    }),
    ...(rehearsal && { limits: rehearsal.limits }),
    keyTimes: rehearsal?.keyTimes ?? {
      ...defaultKeyTimes,
      rotateAfterSeconds: bootstrap.rotateKeysAfterSeconds,
      waitSecondsMax: bootstrap.waitForVerifiersSeconds,
    },
  })
  closers.push(server.close)
  const { keys } = server
  const { outbound } = server.ports
  const served = { snapshot, keys, outbound, onApplied: refresh }
  const api = adminOver({ ports: control, ...served, startedAt: clock.now() })
  const socket = await serveAdminSocket({ dataFolder, cwd, api, log })
  closers.push(socket.close)
  const stopWatching = watchOnboardings({ ports: control, log, metrics: server.metrics })
  const stopLists = certificateLists?.watch(server.metrics)
  closers.push(async () => {
    stopWatching()
    stopLists?.()
  })

  const registered = snapshot().issuers.get(issuerUrls[0] ?? '')?.clients
  const clients = prepared?.filter(({ clientId }) => registered?.has(clientId)) ?? []
  const demoApi = await openDemoApi(ground, clients, log, closers)
  const readyMs = performance.now()
  rehearsal?.onReady()
  if (environment === 'production') return log.info('server.ready', { readyMs })
  const shown = clients.filter(
    ({ clientId }) => clientId !== demoApiClientId && clientId !== demoGatewayClientId,
  )
  writeStartCard(terminal, {
    environment,
    issuers: control.issuers,
    management: `http://${listeners.management.host}:${server.listening.management}`,
    admin: bootstrap.admin?.url,
    demo: demoApi === undefined ? undefined : { ...demoApi, user: demoUser, clients: shown },
    dataFolder: nearby(cwd, dataFolder),
    caFile: authority && nearby(cwd, authority.caPath),
    readyMs,
  })
}

function adminListener(
  { url, issuerUrl, highRiskAcr }: NonNullable<Bootstrap['admin']>,
  address: AdminListener['address'],
  options: Omit<AdminOptions, 'keys' | 'outbound'>,
): AdminListener {
  const desk = { issuerUrl, audience: url, highRiskAcr }
  return {
    ...{ address, url, issuerUrl },
    routes: (keys, outbound) => adminRoutes({ ...desk, options: { ...options, keys, outbound } }),
  }
}

/** @throws Fault that names the file, and the line that is wrong */
function geographyOf({ geographyFile }: Bootstrap, log: Log): Geography {
  if (geographyFile === undefined) return noGeography
  const read = readGeography(geographyFile)
  if (!read.ok) throw new Fault('geography.broken', { detail: read.problems.map(textOfProblem).join('\n') })
  log.info('geography.read', { networks: read.value.networks })
  return read.value
}

/** Undefined where no issuer wants to know of revoked certificates. */
async function certificateListsOf(
  { certificateLists: issuers }: Bootstrap,
  clock: Clock,
  log: Log,
): Promise<OpenCertificateLists | undefined> {
  if (issuers.every(({ policy }) => policy === 'off')) return undefined
  const { openCertificateLists } = await import('@holdfast/server/tls/revocation/open-lists.ts')
  return await openCertificateLists({ issuers, clock, log })
}

/** Makes the demo's keys, and applies its documents when nothing was ever applied to this store. */
async function prepareDemo(ground: Ground, isNew: boolean): Promise<readonly DemoClient[] | undefined> {
  const { bootstrap, control, authority } = ground
  const [issuer] = control.issuers
  if (!bootstrap.demo || authority === undefined || issuer === undefined) return undefined
  const folder = join(bootstrap.dataFolder, 'demo')
  const kitFile = demoKitFile(bootstrap.dataFolder)
  // New keys would not be those the store knows: a demo that lost its keys is no demo any more.
  if (!isNew && !existsSync(kitFile)) return undefined
  const clients = await demoClients(folder, authority)
  if (!isNew) return clients
  // Listed first: were the process killed in between, the next start would find an empty store and do it again.
  const { url, mtlsUrl } = issuer
  const kit: DemoKit = {
    ...{ issuer: url, mtlsUrl, api: audienceOf(bootstrap), caFile: authority.caPath, user: demoUser },
    clients: clients.map(({ metadata: _metadata, spec: _spec, ...client }) => client),
  }
  writeFileSync(kitFile, `${JSON.stringify(kit, null, 2)}\n`, { mode: 0o600 })
  const file = demoDocuments(issuer.name, audienceOf(bootstrap), clients)
  const applied = await apply({ files: [file], dryRun: false, prune: false }, control)
  if (applied.ok) return clients
  throw new Fault('demo.documents', { detail: applied.problems.map(textOfProblem).join('\n') })
}

async function openDemoApi(
  { bootstrap, control, authority }: Ground,
  clients: readonly DemoClient[],
  log: Log,
  closers: Closer[],
): Promise<{ readonly api: string; readonly gateway: string | undefined } | undefined> {
  const keyFile = clients.find(({ clientId }) => clientId === demoApiClientId)?.keyFile
  const issuer = control.issuers[0]?.url
  if (authority === undefined || keyFile === undefined || issuer === undefined) return undefined
  const audience = audienceOf(bootstrap)
  const { caPem, server: tls } = authority
  const audit: AuditSink = async event => {
    await control.store.commit([{ kind: 'append-audit', record: recordOfAccess(event) }])
  }
  const externalUrl = urlOf(bootstrap, 'gateway')
  const gatewayKeyFile = clients.find(({ clientId }) => clientId === demoGatewayClientId)?.keyFile
  const kit =
    gatewayKeyFile === undefined
      ? undefined
      : await demoGatewayKit({ externalUrl, audience, authority, keyFile: gatewayKeyFile })
  const demoApi = await startDemoApi({
    ...{ address: bootstrap.listeners.demoApi, audience, issuer, tls, caPem, keyFile, log, audit },
    gateway: kit?.trust,
  })
  closers.push(demoApi.close)
  if (kit === undefined) return { api: audience, gateway: undefined }
  const { gateway: address } = bootstrap.listeners
  const gateway = await startDemoGateway(kit, { address, issuer, tls, caPem, log, audit })
  closers.push(gateway.close)
  return { api: audience, gateway: externalUrl }
}

/** Where the demo API is reached, which is also its resource identifier. */
function audienceOf(bootstrap: Bootstrap): string {
  return urlOf(bootstrap, 'demoApi')
}

function urlOf({ issuers, listeners }: Bootstrap, listener: 'demoApi' | 'gateway'): string {
  const url = new URL(issuers[0]?.url ?? 'https://localhost')
  return `https://${url.hostname}:${listeners[listener].port}`
}

function tlsOf({ bootstrap, authority }: Ground): { readonly certPem: string; readonly keyPem: string } {
  if (bootstrap.tls !== undefined)
    return {
      certPem: readFileSync(bootstrap.tls.certificateFile, 'utf8'),
      keyPem: readFileSync(bootstrap.tls.privateKeyFile, 'utf8'),
    }
  if (authority === undefined) throw new Fault('tls.missing')
  return authority.server
}

function nearby(cwd: string, path: string): string {
  const near = relative(cwd, path)
  return near.startsWith('..') ? path : near
}
