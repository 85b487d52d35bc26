import { secondsAfter } from '@holdfast/protocol'
import { compileSnapshot, type IssuerBinding, type PlacedDocument } from '../snapshot/compile.ts'
import { isSecretMethod, signsWithSecret } from '../snapshot/compile-secrets.ts'
import { newSecret } from '../snapshot/new-secret.ts'
import type { AuditRecord } from '../store/records.ts'
import type { DocumentRecord, Write } from '../store/writes.ts'
import type { RevokedSecret, RevokeSecretRequest, RotatedSecret, RotateSecretRequest } from './admin-api.ts'
import type { ControlPorts } from './apply.ts'
import type { ControlDocument } from './document.ts'
import { apiVersion, canonicalJson } from './document.ts'
import { storedDocuments } from './documents.ts'
import { issuersNamed } from './issuers-named.ts'
import type { KeyDesk } from './keys.ts'
import { type Checked, checked, wrong } from './problem.ts'
import type { ClientSecretSpec } from './resources/client-secret.ts'

type Secret = ClientSecretSpec['secrets'][number]

/** How often a change starts again because another one came first. */
const attemptsMax = 10

/** What is asked of one client, and what is found of it. */
interface Target {
  readonly binding: IssuerBinding
  readonly placed: readonly PlacedDocument[]
  readonly client: Extract<ControlDocument, { kind: 'Client' | 'RegisteredClient' }> | undefined
  readonly secrets: readonly Secret[]
}

interface Change<T> {
  readonly secrets: readonly Secret[]
  readonly event: string
  readonly facts: AuditRecord['facts']
  readonly answer: T
}

type Outcome<T> = T & { readonly revision: number; readonly reference: string; readonly issuer: string }

/**
 * A new secret, shown once; the one in use works on until the overlap ends, an older one no longer. Never more than
 * two work at one time.
 */
export function rotateSecret(
  request: RotateSecretRequest,
  ports: ControlPorts,
  keys: Pick<KeyDesk, 'seal'> | undefined,
): Promise<Checked<RotatedSecret>> {
  const { clientId, overlapSeconds, lifetimeSeconds } = request
  return changeSecrets(request, ports, ({ binding, client, secrets }) => {
    if (client === undefined) return unknownClient(clientId)
    const method = client.spec.metadata.token_endpoint_auth_method ?? 'private_key_jwt'
    if (!isSecretMethod(method)) {
      const field = 'spec.metadata.token_endpoint_auth_method'
      return wrong({ document: `Client/${clientId}`, field, message: `\`${method}\` has no secret` })
    }
    const isSealed = signsWithSecret(method)
    if (isSealed && keys === undefined) return needsServer(clientId)
    const now = ports.clock.now()
    const expiresAt = lifetimeSeconds === undefined ? undefined : secondsAfter(now, lifetimeSeconds)
    const { secret, stored: made } = newSecret(
      ports.entropy,
      now,
      expiresAt,
      isSealed && keys ? { keys, issuer: binding.url, clientId } : undefined,
    )
    const { id } = made
    const [previous] = secrets.flatMap(old => {
      const until = Math.min(old.expiresAt ?? Number.POSITIVE_INFINITY, now + overlapSeconds)
      if (until <= now) return []
      // A client that no longer signs with its secret has nothing kept that could be read.
      const { sealed, ...compared } = old
      return [{ ...compared, ...(isSealed && sealed !== undefined && { sealed }), expiresAt: until }]
    })
    const kept = previous === undefined ? [] : [previous]
    return checked({
      secrets: [made, ...kept],
      event: 'client.secret.rotated',
      facts: {
        client_id: clientId,
        secret_id: id,
        expires_at: expiresAt ?? 0,
        ...(previous !== undefined && { previous_id: previous.id, previous_until: previous.expiresAt }),
      },
      answer: {
        ...{ clientId, secretId: id, secret, expiresAt: expiresAt ?? 0 },
        ...(previous !== undefined && { previousUntil: previous.expiresAt }),
      },
    })
  })
}

/** Only who can open it may seal it: a secret sealed by anybody else would be refused for ever. */
function needsServer(clientId: string): Checked<never> {
  const field = 'spec.metadata.token_endpoint_auth_method'
  const message = 'no server runs here: a secret that signs is sealed by the server that checks with it'
  return wrong({ document: `Client/${clientId}`, field, message })
}

/** Takes one secret back, or all of a client: from the next revision on it is refused. */
export function revokeSecret(
  request: RevokeSecretRequest,
  ports: ControlPorts,
): Promise<Checked<RevokedSecret>> {
  const { clientId, secretId } = request
  return changeSecrets(request, ports, ({ secrets }) => {
    const revoked = secrets.filter(({ id }) => secretId === undefined || id === secretId)
    if (revoked.length === 0) {
      const message = secretId === undefined ? 'has no secret' : `has no secret \`${secretId}\``
      return wrong({ document: `Client/${clientId}`, field: '', message })
    }
    const ids = revoked.map(({ id }) => id)
    return checked({
      secrets: secrets.filter(secret => !revoked.includes(secret)),
      event: 'client.secret.revoked',
      facts: { client_id: clientId, secret_ids: ids },
      answer: { clientId, revoked: ids },
    })
  })
}

async function changeSecrets<T>(
  request: RevokeSecretRequest,
  ports: ControlPorts,
  decide: (target: Target) => Checked<Change<T>>,
): Promise<Checked<Outcome<T>>> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const result = await changeOnce(request, ports, decide)
    if (result !== 'overtaken') return result
  }
  return wrong({ document: 'revision', field: '', message: 'others keep changing it; try again' })
}

async function changeOnce<T>(
  request: RevokeSecretRequest,
  ports: ControlPorts,
  decide: (target: Target) => Checked<Change<T>>,
): Promise<Checked<Outcome<T>> | 'overtaken'> {
  const { store, issuers, clock } = ports
  // The revision is read first: whatever changes after this line fails the guard below.
  const revision = await store.revision()
  const stored = storedDocuments(await store.listDocuments())
  if (!stored.ok) return stored
  const target = targetOf(request, stored.value, issuers)
  if (!target.ok) return target
  const decided = decide(target.value)
  if (!decided.ok) return decided
  const { secrets, event, facts, answer } = decided.value
  const { binding, placed, client } = target.value

  const source = documentOf(request.clientId, client?.issuerName, secrets)
  const others = placed.filter(
    ({ issuerUrl, document }) =>
      issuerUrl !== binding.url || document.kind !== 'ClientSecret' || document.name !== request.clientId,
  )
  const own = {
    issuerUrl: binding.url,
    document: { kind: 'ClientSecret', name: request.clientId, spec: { secrets }, source } as ControlDocument,
  }
  const compiled = compileSnapshot({
    revision: revision + 1,
    issuers,
    documents: secrets.length === 0 ? others : [...others, own],
  })
  if (!compiled.ok) return compiled
  const requestId = ports.newReference()
  const base = { at: clock.now(), issuer: binding.url, event, requestId, clientId: request.clientId }
  const committed = await store.commit([
    { kind: 'raise-revision', from: revision },
    writeOf(request.clientId, binding.url, secrets.length === 0 ? undefined : source),
    {
      kind: 'append-audit',
      record: { ...base, outcome: 'accepted', facts: { ...facts, revision: revision + 1 } },
    },
  ])
  if (!committed.committed) return 'overtaken'
  return checked({ ...answer, issuer: binding.url, revision: revision + 1, reference: requestId })
}

function targetOf(
  { clientId, issuer }: RevokeSecretRequest,
  placed: readonly PlacedDocument[],
  issuers: readonly IssuerBinding[],
): Checked<Target> {
  const asked = issuersNamed(issuer, issuers)
  const found = asked.flatMap(binding => {
    const own = placed.filter(
      ({ issuerUrl, document }) => issuerUrl === binding.url && document.name === clientId,
    )
    const client = own.map(({ document }) => document).find(isClientDocument)
    const secret = own.map(({ document }) => document).find(document => document.kind === 'ClientSecret')
    if (client === undefined && secret === undefined) return []
    return [{ binding, placed, client, secrets: secret?.spec.secrets ?? [] }]
  })
  const [first, ...more] = found
  if (first === undefined) return unknownClient(clientId)
  return more.length === 0
    ? checked(first)
    : wrong({
        document: `Client/${clientId}`,
        field: 'metadata.issuer',
        message: 'stands at several issuers',
      })
}

function isClientDocument(
  document: ControlDocument,
): document is Extract<ControlDocument, { kind: 'Client' | 'RegisteredClient' }> {
  if (document.kind === 'RegisteredClient') return document.spec.status !== 'deleted'
  return document.kind === 'Client'
}

function unknownClient(clientId: string): Checked<never> {
  return wrong({ document: `Client/${clientId}`, field: 'metadata.name', message: 'there is no such client' })
}

function documentOf(
  name: string,
  issuer: string | undefined,
  secrets: readonly Secret[],
): Readonly<Record<string, unknown>> {
  const metadata = { name, ...(issuer !== undefined && { issuer }) }
  return { apiVersion, kind: 'ClientSecret', metadata, spec: { secrets } }
}

function writeOf(name: string, issuer: string, source: DocumentRecord | object | undefined): Write {
  const place = { documentKind: 'ClientSecret', name, issuer }
  return source === undefined
    ? { kind: 'delete-document', ...place }
    : { kind: 'put-document', document: { ...place, body: canonicalJson(source) } }
}
