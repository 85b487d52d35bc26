import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adminOverSocket } from '@holdfast/cli'
import { evidenceKeyOf } from '@holdfast/gateway'
import { certificateThumbprint, jwkThumbprint } from '@holdfast/protocol/jose/thumbprint.ts'
import { systemClock } from '@holdfast/server/clock.ts'
import type { AdminApi } from '@holdfast/server/control/admin-api.ts'
import { adminSocketPath } from '@holdfast/server/control/admin-socket-path.ts'
import type { KeyTimes } from '@holdfast/server/keys/life.ts'
import { dropPostgresSchema } from '@holdfast/server/store/drivers/drop-schema.ts'
import { type DevelopmentCa, openDevelopmentCa } from '@holdfast/server/tls/development-ca.ts'
import type { ApiConfig, GatewayConfig, Jwk, Network, NodeConfig, Resource } from './configs.ts'
import { pathOf } from './configs.ts'
import { type CuttableWire, openCuttableWire } from './cuttable-wire.ts'
import { type Cast, drillDocuments } from './documents.ts'
import { freePorts } from './free-ports.ts'
import { type Part, startPart } from './part.ts'

export interface SystemPlan {
  /** PostgreSQL; the system lives in a schema of its own, which is dropped at the end. */
  readonly postgres: string
  readonly issuers: number
  readonly keyTimes: KeyTimes
  readonly cast: Cast
  /** The APIs there are behind every place. */
  readonly resources: readonly Resource[]
}

export interface DrillIssuer {
  readonly name: string
  readonly url: string
}

/** Where a token is used: an API with the SDK, or a gateway. */
export interface Place {
  readonly name: string
  readonly url: (issuer: DrillIssuer, resource: Resource) => URL
  /** The network between this process and its node. */
  readonly feedWire: CuttableWire
  readonly restWire: CuttableWire
}

export interface DrillNode {
  readonly name: string
  readonly port: number
  readonly admin: AdminApi
  /** Its `holdfast.yaml`, for commands. */
  readonly file: string
  readonly part: Part
}

export interface System {
  readonly folder: string
  readonly caPem: string
  readonly caFile: string
  readonly issuers: readonly DrillIssuer[]
  readonly nodes: readonly [DrillNode, DrillNode]
  readonly places: readonly Place[]
  readonly parts: readonly Part[]
  readonly resources: readonly Resource[]
  /** Of every client. */
  readonly clientKey: Jwk
  readonly close: () => Promise<void>
}

type Closer = () => Promise<void> | void

/** Two nodes over one PostgreSQL, two APIs, two gateways, each a process. @throws Error when one does not start */
export async function startSystem(plan: SystemPlan): Promise<System> {
  const closers: Closer[] = []
  const close = async (): Promise<void> => {
    const failures: unknown[] = []
    for (const closer of closers.splice(0).reverse())
      try {
        await closer()
      } catch (thrown) {
        failures.push(thrown)
      }
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('\n'))
  }
  try {
    return { ...(await start(plan, closers)), close }
  } catch (thrown) {
    await close().catch(() => undefined)
    throw thrown
  }
}

async function start(plan: SystemPlan, closers: Closer[]): Promise<Omit<System, 'close'>> {
  const { postgres, keyTimes, cast, resources } = plan
  const folder = mkdtempSync(join(tmpdir(), 'hf-drill-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  const ca = await openDevelopmentCa(join(folder, 'tls'), systemClock.now())
  const schema = `holdfast_drill_${randomBytes(6).toString('hex')}`
  closers.push(() => dropPostgresSchema({ connectionString: postgres, schema }))
  const ports = await freePorts(6 + 2 * plan.issuers)
  const [publicPort = 0, mtlsPort = 0] = ports
  const issuers = Array.from({ length: plan.issuers }, (_, index) => {
    const name = `bank-${index + 1}`
    return { name, url: `https://localhost:${publicPort}/${name}` }
  })
  const ground = { folder, ca, postgres, schema, issuers, mtlsPort, keyTimes, resources }
  // One after the other: the second node finds the keys that the first one made.
  const first = await startNode(ground, 'node-1', publicPort, mtlsPort)
  closers.push(first.part.stop)
  const clientKey = newKey()
  const files = issuers.map(({ name }) => ({ path: name, text: drillDocuments(name, clientKey, cast) }))
  const applied = await first.admin.apply({ files, dryRun: false, prune: false })
  if (!applied.ok) throw new Error(JSON.stringify(applied.problem))
  const second = await startNode(ground, 'node-2', ports[2] ?? 0, ports[3] ?? 0)
  closers.push(second.part.stop)

  const places: Place[] = []
  const parts = [first.part, second.part]
  for (const [index, node] of [first, second].entries()) {
    const number = index + 1
    const apiPort = ports[4 + index] ?? 0
    const gatewayPorts = ports.slice(6 + index * plan.issuers, 6 + (index + 1) * plan.issuers)
    const pair = await startPlaces(ground, { number, node, apiPort, gatewayPorts, clientKey }, closers)
    places.push(...pair.places)
    parts.push(...pair.parts)
  }
  return {
    ...{ folder, caPem: ca.caPem, caFile: ca.caPath, issuers, nodes: [first, second], places, parts },
    ...{ clientKey, resources },
  }
}

interface Ground {
  readonly folder: string
  readonly ca: DevelopmentCa
  readonly postgres: string
  readonly schema: string
  readonly issuers: readonly DrillIssuer[]
  readonly mtlsPort: number
  readonly keyTimes: KeyTimes
  readonly resources: readonly Resource[]
}

async function startNode(
  ground: Ground,
  name: string,
  port: number,
  ownMtlsPort: number,
): Promise<DrillNode> {
  const { folder, ca, postgres, schema, issuers, mtlsPort, keyTimes } = ground
  const dataFolder = join(folder, `${name}-data`)
  const file = join(folder, `${name}.yaml`)
  const settings = {
    dataFolder,
    issuers: issuers.map(issuer => ({
      ...{ ...issuer, environment: 'development' },
      mtlsUrl: `https://localhost:${mtlsPort}/${issuer.name}`,
    })),
    listeners: { public: { port }, mtls: { port: ownMtlsPort }, management: { port: 0 } },
    store: { driver: 'postgres', url: postgres, schema },
    tls: { certificateFile: ca.server.certPath, privateKeyFile: ca.server.keyPath },
    keyEncryptionKeyFile: join(folder, 'key-encryption-key'),
    ...{ demo: false, testOnlyBackchannelAnswers: true, admin: { enabled: false } },
  }
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 })
  const part = await startPart(folder, name, 'node', { file, keyTimes } satisfies NodeConfig)
  return { name, port, file, part, admin: adminOverSocket(adminSocketPath(dataFolder, process.cwd())) }
}

interface Pair {
  readonly number: number
  readonly node: DrillNode
  readonly apiPort: number
  /** One for each issuer. */
  readonly gatewayPorts: readonly number[]
  readonly clientKey: Jwk
}

/** An API and a gateway in the network of one node. */
async function startPlaces(
  { folder, ca, issuers, resources }: Ground,
  { number, node, apiPort, gatewayPorts, clientKey }: Pair,
  closers: Closer[],
): Promise<{ readonly places: readonly Place[]; readonly parts: readonly Part[] }> {
  const wired = async (): Promise<{ wires: Pick<Place, 'feedWire' | 'restWire'>; network: Network }> => {
    const wires = { feedWire: await openCuttableWire(node.port), restWire: await openCuttableWire(node.port) }
    closers.push(wires.feedWire.close, wires.restWire.close)
    return { wires, network: { feedPort: wires.feedWire.port, restPort: wires.restWire.port } }
  }
  const { caPem, server } = ca
  const common = { caPem, tls: { certPem: server.certPem, keyPem: server.keyPem }, clientKey, resources }
  const name = `gateway-${number}`
  const identity = await ca.clientCertificate(name, `CN=${name},O=Holdfast drill`, 'issued')
  const evidenceKey = newKey()
  const portOf = (issuer: DrillIssuer): number => gatewayPorts[issuers.indexOf(issuer)] ?? 0

  const ofApi = await wired()
  const api = await startPart(folder, `api-${number}`, 'api', {
    ...{ ...common, clientId: `api-${number}`, network: ofApi.network, port: apiPort },
    issuers: issuers.map(one => ({ ...one, gatewayUrl: `https://localhost:${portOf(one)}` })),
    gateway: {
      publicJwk: evidenceKeyOf(evidenceKey).publicJwk,
      thumbprint: certificateThumbprint(new X509Certificate(identity.certPem).raw),
    },
  } satisfies ApiConfig)
  closers.push(api.stop)
  const ofGateway = await wired()
  const gateway = await startPart(folder, name, 'gateway', {
    ...{ ...common, clientId: name, network: ofGateway.network, apiPort, evidenceKey },
    issuers: issuers.map(one => ({ ...one, port: portOf(one) })),
    identity: { certPem: identity.certPem, keyPem: identity.keyPem },
    auditFile: join(folder, `${name}-audit.jsonl`),
  } satisfies GatewayConfig)
  closers.push(gateway.stop)
  const at = (port: number, issuer: DrillIssuer, resource: Resource): URL =>
    new URL(`https://localhost:${port}${pathOf(issuer.name, resource)}`)
  return {
    places: [
      { name: `api-${number}`, url: (issuer, resource) => at(apiPort, issuer, resource), ...ofApi.wires },
      { name, url: (issuer, resource) => at(portOf(issuer), issuer, resource), ...ofGateway.wires },
    ],
    parts: [api, gateway],
  }
}

function newKey(): Jwk {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = privateKey.export({ format: 'jwk' }) as Jwk
  return { ...jwk, kid: jwkThumbprint(jwk) }
}
