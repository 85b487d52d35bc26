import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { IssuerBinding } from '../../snapshot/compile.ts'
import type { IssuerCertificateLists } from '../../tls/revocation/open-lists.ts'
import { type Checked, checked, type Problem, wrong } from '../problem.ts'
import { checkShape } from '../shape.ts'
import { unknownName } from '../suggestion.ts'
import { type BusChoice, busOf } from './bus.ts'
import { certificateListsOf, unfitCertificateLists } from './certificate-lists.ts'
import { type ConnectionChoice, connectionsOf } from './connections.ts'
import { type CustodyChoice, custodyOf } from './custody.ts'
import { type Origins, readBootstrapFile } from './read-file.ts'
import { type RemoteEngineChoice, remoteEnginesOf } from './remote-engines.ts'
import { type BootstrapFile, bootstrapSchema } from './schema.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** Everything a process needs to know before it opens its store; all paths are absolute. */
export interface Bootstrap {
  readonly environment: 'development' | 'production'
  readonly dataFolder: string
  readonly issuers: readonly IssuerBinding[]
  readonly listeners: {
    readonly public: Address
    readonly mtls: Address
    readonly gateway: Address
    readonly demoApi: Address
    readonly management: Address
    readonly admin: Address
  }
  /** Undefined: there is no admin API over HTTPS. */
  readonly admin: AdminChoice | undefined
  readonly store: SqliteChoice | PostgresChoice
  /** Undefined: a development authority signs the server's certificate. */
  readonly tls: { readonly certificateFile: string; readonly privateKeyFile: string } | undefined
  readonly keyEncryptionKeyFile: string
  /** Undefined: signing keys are rotated by command only. */
  readonly rotateKeysAfterSeconds: number | undefined
  /** How long a new signing key waits for verifiers that do not have it. */
  readonly waitForVerifiersSeconds: number
  readonly keyCustody: CustodyChoice
  readonly remoteEngines: readonly RemoteEngineChoice[]
  readonly connections: readonly ConnectionChoice[]
  /** Which network is where; undefined: nobody knows. */
  readonly geographyFile: string | undefined
  /** One for each issuer. */
  readonly certificateLists: readonly IssuerCertificateLists[]
  readonly trustedProxies: readonly string[]
  readonly demo: boolean
  /** Whether tests may answer for users (CIBA). */
  readonly testOnlyBackchannelAnswers: boolean
  /** Every setting with its value as text and where it was set; secrets are left out. */
  readonly settings: readonly Setting[]
}

export interface AdminChoice {
  /** Of the issuer whose tokens are good there. */
  readonly issuerUrl: string
  /** Origin by which it is reached. */
  readonly url: string
  readonly highRiskAcr: string
}

export interface SqliteChoice {
  readonly driver: 'sqlite'
  readonly path: string
}

export interface PostgresChoice {
  readonly driver: 'postgres'
  readonly connectionString: string
  readonly schema: string | undefined
  readonly bus: BusChoice | undefined
}

export interface Setting {
  readonly name: string
  readonly value: string
  readonly origin: string
}

export interface BootstrapSources {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** `--config`; otherwise `holdfast.yaml` in `cwd` when there is one. */
  readonly file?: string | undefined
}

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** The bootstrap configuration: file over defaults, `HOLDFAST_DATA_DIR` over both. */
export function loadBootstrap({ cwd, env, file }: BootstrapSources): Checked<Bootstrap> {
  const path = resolve(cwd, file ?? 'holdfast.yaml')
  const isThere = existsSync(path)
  if (file !== undefined && !isThere)
    return wrong({ document: path, field: '', message: 'there is no such file' })
  const read = isThere
    ? readBootstrapFile(path, env)
    : checked({ value: {}, origins: new Map<string, string>() })
  if (!read.ok) return read
  const name = isThere ? path : 'defaults'
  const shape = checkShape<BootstrapFile>(name, '', bootstrapSchema, read.value.value)
  if (!shape.ok) return shape

  const origins = new Map(read.value.origins)
  const fromEnv = env.HOLDFAST_DATA_DIR
  if (fromEnv !== undefined && fromEnv !== '') origins.set('dataFolder', 'HOLDFAST_DATA_DIR')
  const settings = fromEnv ? { ...shape.value, dataFolder: resolve(cwd, fromEnv) } : shape.value
  return resolved(name, isThere ? dirname(path) : cwd, settings, origins)
}

function resolved(document: string, base: string, file: BootstrapFile, origins: Origins): Checked<Bootstrap> {
  const problems: Problem[] = []
  const environment = environmentOf(document, file, problems)
  problems.push(...unfitIssuers(document, file), ...unfitTls(document, file), ...unfitServed(document, file))
  if (environment === 'production') problems.push(...developmentDefaults(document, file, origins))
  const dataFolder = resolve(base, file.dataFolder)
  const store = storeOf(document, file, { base, dataFolder, problems })
  const issuers = file.issuers.map((_, index) => bindingOf(document, file, index, { base, problems }))
  const admin = adminOf(document, file, environment, problems)
  const certificateLists = file.issuers.map((issuer, index) =>
    certificateListsOf(issuer, issuers[index]?.clientTrustAnchors ?? [], base),
  )
  for (const [index, lists] of certificateLists.entries()) {
    const issuer = file.issuers[index]
    if (issuer !== undefined) problems.push(...unfitCertificateLists(document, issuer, index, lists))
  }
  if (problems.length > 0 || store === undefined) return wrong(...problems)

  const { certificateFile, privateKeyFile } = file.tls
  const tls =
    certificateFile === undefined || privateKeyFile === undefined
      ? undefined
      : { certificateFile: resolve(base, certificateFile), privateKeyFile: resolve(base, privateKeyFile) }
  const keyEncryptionKeyFile =
    file.keyEncryptionKeyFile === undefined
      ? resolve(dataFolder, 'keys', 'key-encryption-key')
      : resolve(base, file.keyEncryptionKeyFile)
  const demo = file.demo ?? environment === 'development'
  const settings = settingsOf({ ...file, demo, dataFolder, keyEncryptionKeyFile }, origins)
  const { listeners, trustedProxies, keys, risk, testOnlyBackchannelAnswers } = file
  const rotateKeysAfterSeconds = keys.rotateAfterDays === 0 ? undefined : keys.rotateAfterDays * 86_400
  return checked({
    ...{ environment, dataFolder, issuers, listeners, store, tls, keyEncryptionKeyFile, trustedProxies },
    ...{ demo, testOnlyBackchannelAnswers, settings, rotateKeysAfterSeconds, admin },
    waitForVerifiersSeconds: keys.waitForVerifiersHours * 3600,
    keyCustody: custodyOf(keys.custody, base),
    remoteEngines: remoteEnginesOf(file.remoteEngines, base),
    connections: connectionsOf(file.connections, base),
    geographyFile: risk.geographyFile === undefined ? undefined : resolve(base, risk.geographyFile),
    certificateLists,
  })
}

function environmentOf(
  document: string,
  { issuers }: BootstrapFile,
  problems: Problem[],
): 'development' | 'production' {
  const environments = new Set(issuers.map(({ environment }) => environment))
  if (environments.size > 1)
    problems.push({
      document,
      field: 'issuers',
      message: 'development and production do not share a process',
    })
  return environments.has('production') ? 'production' : 'development'
}

function unfitIssuers(document: string, { issuers }: BootstrapFile): readonly Problem[] {
  const problems: Problem[] = []
  for (const [index, { name, url, environment }] of issuers.entries()) {
    const isLoopback = loopbackHosts.has(new URL(url).hostname)
    if (environment === 'development' && !isLoopback)
      problems.push({
        document,
        field: `issuers[${index}].url`,
        message: `\`${url}\` is reachable by others, and a development issuer is not safe for that`,
      })
    if (environment === 'production' && isLoopback)
      problems.push({
        document,
        field: `issuers[${index}].url`,
        message: `\`${url}\` is reachable by nobody else`,
      })
    for (const member of ['name', 'url'] as const)
      if (issuers.findIndex(other => other[member] === (member === 'name' ? name : url)) < index)
        problems.push({ document, field: `issuers[${index}].${member}`, message: 'stands twice' })
  }
  return problems
}

function unfitTls(document: string, { tls }: BootstrapFile): readonly Problem[] {
  if ((tls.certificateFile === undefined) === (tls.privateKeyFile === undefined)) return []
  return [{ document, field: 'tls', message: '`certificateFile` and `privateKeyFile` come together' }]
}

/** A name that is misspelt would take the connection from whom it was meant for. */
function unfitServed(document: string, { connections, issuers }: BootstrapFile): readonly Problem[] {
  const known = new Map(issuers.map(issuer => [issuer.name, issuer]))
  return connections.flatMap(({ issuers: served = [] }, index) =>
    served
      .filter(name => !known.has(name))
      .map(name => unknownName(document, `connections[${index}].issuers`, 'issuer', name, known)),
  )
}

/** Production names every setting whose default was made for development. */
function developmentDefaults(document: string, file: BootstrapFile, origins: Origins): readonly Problem[] {
  const missing: readonly (readonly [field: string, isSet: boolean, why: string])[] = [
    [
      'tls.certificateFile',
      file.tls.certificateFile !== undefined,
      'production has no development authority',
    ],
    [
      'keyEncryptionKeyFile',
      file.keyEncryptionKeyFile !== undefined,
      'production keeps this key apart from the data',
    ],
    ['dataFolder', origins.has('dataFolder'), 'production says where its data is'],
    ['demo', file.demo !== true, 'the demo has known passwords'],
    ['testOnlyBackchannelAnswers', !file.testOnlyBackchannelAnswers, 'production asks the users themselves'],
  ]
  return missing
    .filter(([, isSet]) => !isSet)
    .map(([field, , why]) => ({
      document,
      field,
      message: `${onlyInDevelopment.includes(field) ? 'is on' : 'is not set'}: ${why}`,
    }))
}

/** What must be off, and not set, in production. */
const onlyInDevelopment = ['demo', 'testOnlyBackchannelAnswers']

function adminOf(
  document: string,
  { admin, issuers, listeners }: BootstrapFile,
  environment: Bootstrap['environment'],
  problems: Problem[],
): AdminChoice | undefined {
  const isOn = admin?.enabled ?? environment === 'development'
  if (!isOn) return undefined
  const { issuer: wanted, url, highRiskAcr = 'urn:holdfast:acr:mfa' } = admin ?? {}
  const issuer = wanted === undefined ? issuers[0] : issuers.find(({ name }) => name === wanted)
  if (issuer === undefined) {
    problems.push({ document, field: 'admin.issuer', message: `there is no issuer \`${wanted}\`` })
    return undefined
  }
  if (url === undefined && listeners.admin.port === 0) {
    problems.push({
      document,
      field: 'listeners.admin.port',
      message: 'is any port, so `admin.url` has to say which',
    })
    return undefined
  }
  const own = new URL(issuer.url)
  return {
    ...{ issuerUrl: issuer.url, highRiskAcr },
    url: url ?? `https://${own.hostname}:${listeners.admin.port}`,
  }
}

interface Place {
  readonly base: string
  readonly problems: Problem[]
}

function storeOf(
  document: string,
  { store }: BootstrapFile,
  { base, dataFolder, problems }: Place & { readonly dataFolder: string },
): Bootstrap['store'] | undefined {
  if (store.driver === 'sqlite') return { driver: 'sqlite', path: resolve(dataFolder, store.path) }
  if ((store.url === undefined) === (store.urlFile === undefined)) {
    problems.push({ document, field: 'store', message: 'needs one of `url` and `urlFile`' })
    return undefined
  }
  const connectionString =
    store.url ?? readText(document, 'store.urlFile', resolve(base, store.urlFile ?? ''), problems)?.trim()
  return connectionString === undefined
    ? undefined
    : { driver: 'postgres', connectionString, schema: store.schema, bus: busOf(store.bus, base) }
}

function bindingOf(
  document: string,
  file: BootstrapFile,
  index: number,
  { base, problems }: Place,
): IssuerBinding {
  const issuer = file.issuers[index]
  if (issuer === undefined) throw new RangeError(`no issuer ${index}`)
  const { name, url, environment } = issuer
  const mtls = new URL(url)
  mtls.port = String(file.listeners.mtls.port)
  const clientTrustAnchors = issuer.clientTrustAnchorFiles.flatMap((path, place) => {
    const field = `issuers[${index}].clientTrustAnchorFiles[${place}]`
    const pem = readText(document, field, resolve(base, path), problems)
    if (pem === undefined) return []
    const isCertificate = isPemCertificate(pem)
    if (!isCertificate) problems.push({ document, field, message: `\`${path}\` is no certificate in PEM` })
    return isCertificate ? pem : []
  })
  return {
    name,
    url,
    mtlsUrl: issuer.mtlsUrl ?? mtls.href.replace(/\/$/, ''),
    environment,
    clientTrustAnchors,
    remoteEngines: file.remoteEngines.map(engine => engine.name),
    connections: file.connections
      .filter(({ issuers: served }) => served === undefined || served.includes(name))
      .map(({ name: connection, kind, issuers: served }) => ({
        ...{ name: connection, kind },
        ...(served !== undefined && { issuers: served }),
      })),
  }
}

function isPemCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0
  } catch {
    return false
  }
}

function readText(document: string, field: string, path: string, problems: Problem[]): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
    problems.push({ document, field, message: `cannot read \`${path}\` (${code})` })
    return undefined
  }
}

function settingsOf(value: object, origins: Origins): readonly Setting[] {
  const settings: Setting[] = []
  const visit = (member: unknown, name: string): void => {
    if (typeof member === 'object' && member !== null && Object.keys(member).length > 0) {
      for (const [key, inner] of Object.entries(member))
        visit(inner, Array.isArray(member) ? `${name}[${key}]` : name === '' ? key : `${name}.${key}`)
      return
    }
    if (member === undefined) return
    const text = typeof member === 'string' ? member : JSON.stringify(member)
    settings.push({
      name,
      value: name === 'store.url' ? '(secret)' : text,
      origin: origins.get(name) ?? 'default',
    })
  }
  visit(value, '')
  return settings.toSorted((left, right) => (left.name < right.name ? -1 : 1))
}
