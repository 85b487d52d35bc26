import { accept, type EpochSeconds, type Outcome, refuse } from '@holdfast/protocol'
import type { ClientMetadata } from '@holdfast/protocol/specs/rfc7591-client-metadata/metadata.ts'
import {
  apiVersion,
  type ControlDocument,
  canonicalJson,
  type DocumentOf,
  parseDocument,
} from '../control/document.ts'
import { writtenSpecOf } from '../control/onboarding/registration.ts'
import { type Checked, checked, type Problem, textOfProblem, wrong } from '../control/problem.ts'
import type { ClientSecretSpec } from '../control/resources/client-secret.ts'
import type { DocumentRecord, Write } from '../store/writes.ts'
import { type ClientContext, compileClient } from './compile-client.ts'
import { spiffeClients } from './compile-spiffe.ts'
import { endingsByClient, governedClient } from './governed.ts'
import { onboardedLater, onboardingAt } from './onboarded.ts'
import type { Client, IssuerSnapshot, RegisteredClient, Registrar } from './snapshot.ts'

type RegisteredDocument = DocumentOf<'RegisteredClient'>
/** An issuer but for who registered there: everything one more client is compiled against. */
export type IssuerGround = Omit<IssuerSnapshot, 'clients' | 'registered' | 'registrar'>

/** Clients of one issuer, by id. */
export interface IssuerClients {
  readonly clients: ReadonlyMap<string, Client>
  readonly registered: ReadonlyMap<string, RegisteredClient>
}

/** The context in which the clients of a snapshot were compiled, for those that come later. */
const contexts = new WeakMap<
  IssuerSnapshot,
  { readonly ground: IssuerGround; readonly context: ClientContext }
>()

/** An issuer with its clients, which can take up one more without compiling the others again. */
export function issuerWith(
  ground: IssuerGround,
  context: ClientContext,
  { clients, registered }: IssuerClients,
): IssuerSnapshot {
  const issuer = { ...ground, clients, registered, registrar: registrarOf(context) }
  contexts.set(issuer, { ground, context })
  return issuer
}

/**
 * The issuer after documents of registered clients changed; undefined when something else did, so that only a whole
 * compilation knows what it means.
 */
export function issuerAfter(
  issuer: IssuerSnapshot,
  changed: readonly ControlDocument[],
): Checked<IssuerSnapshot> | undefined {
  const known = contexts.get(issuer)
  if (known === undefined) return undefined
  const registrations = changed.filter(document => document.kind === 'RegisteredClient')
  const secretOnes = changed.filter(document => document.kind === 'ClientSecret')
  if (registrations.length + secretOnes.length !== changed.length) return undefined
  const names = new Set(registrations.map(({ name }) => name))
  if (secretOnes.some(({ name }) => !names.has(name))) return undefined
  if (registrations.some(({ name }) => issuer.clients.has(name) && !issuer.registered.has(name)))
    return undefined

  const { ground } = known
  const secrets = new Map(known.context.secrets)
  for (const { name, spec } of secretOnes) secrets.set(name, spec)
  const context = { ...known.context, secrets }
  const [clients, registered] = [new Map(issuer.clients), new Map(issuer.registered)]
  const problems = compileRegistered(registrations, context, clients, registered)
  return problems.length === 0
    ? checked(issuerWith(ground, context, { clients, registered }))
    : wrong(...problems)
}

/** The issuer without what ended by now; clients that register from here on do not get it either. */
export function withoutEnded(issuer: IssuerSnapshot, now: EpochSeconds): IssuerSnapshot {
  const known = contexts.get(issuer)
  if (known === undefined) throw new TypeError('the issuer was not compiled')
  const isEnded = ({ at }: { readonly at: number }): boolean => at <= now
  const endings = issuer.scopeEndings.filter(ending => !isEnded(ending))
  const governance = { ...known.context.governance, endings: endingsByClient(endings) }
  const onboarding = onboardingAt(known.context.onboarding, now)
  const onboardingEndings = issuer.onboardingEndings.filter(ending => !isEnded(ending))
  const ended = new Set(
    [...issuer.scopeEndings, ...issuer.onboardingEndings].filter(isEnded).map(({ clientId }) => clientId),
  )
  const clients = new Map(
    [...issuer.clients].map(([id, client]) => [
      id,
      ended.has(id) ? onboardedLater(governedClient(client, governance), onboarding) : client,
    ]),
  )
  const clientOfSpiffeId = spiffeClients(clients.values())
  const ground = { ...known.ground, clientOfSpiffeId, scopeEndings: endings, onboardingEndings }
  const context = { ...known.context, governance, onboarding }
  return issuerWith(ground, context, { clients, registered: issuer.registered })
}

/** Compiles registered clients into the two maps. @returns what is wrong with them */
export function compileRegistered(
  documents: readonly RegisteredDocument[],
  context: ClientContext,
  clients: Map<string, Client>,
  registered: Map<string, RegisteredClient>,
): readonly Problem[] {
  const problems: Problem[] = []
  for (const document of documents) {
    const { name, spec } = document
    registered.set(name, registeredOf(document))
    clients.delete(name)
    if (spec.status === 'deleted') continue
    const compiled = compileOne(document, context)
    if (compiled.ok) clients.set(name, compiled.value)
    else problems.push(...compiled.problems)
  }
  return problems
}

/** By the same way as a client that an operator wrote: nothing is judged more kindly because it came by itself. */
function compileOne({ name, spec }: RegisteredDocument, context: ClientContext): Checked<Client> {
  const document = `RegisteredClient/${name}`
  if (spec.metadata.spiffe_id !== undefined) {
    const message = 'which workload is which client is not for clients to say: write a Client'
    return wrong({ document, field: 'spec.metadata.spiffe_id', message })
  }
  return compileClient({ name, spec: writtenSpecOf(spec) }, context, document)
}

function registeredOf({ name, spec }: RegisteredDocument): RegisteredClient {
  const { metadata, softwareStatement, registeredAt, ...rest } = spec
  return {
    ...rest,
    clientId: name,
    metadata: metadata as ClientMetadata,
    registeredAt: registeredAt as RegisteredClient['registeredAt'],
    softwareStatement,
  }
}

function registrarOf(context: ClientContext): Registrar {
  return {
    prepare: (revision, client, secrets) => {
      const body = bodyOf(client, context.binding.name)
      const parsed = parseDocument(`RegisteredClient/${client.clientId}`, JSON.parse(body))
      if (!parsed.ok) return refusalOf(parsed.problems)
      const document = parsed.value as RegisteredDocument
      const secretSpec = secrets && ({ secrets: [...secrets] } satisfies ClientSecretSpec)
      const own = secretSpec ? new Map([[client.clientId, secretSpec]]) : context.secrets
      const isDeleted = client.status === 'deleted'
      const compiled = isDeleted ? checked(undefined) : compileOne(document, { ...context, secrets: own })
      if (!compiled.ok) return refusalOf(compiled.problems)
      const issuer = context.binding.url
      const put = (documentKind: string, text: string): Write => {
        const record: DocumentRecord = { documentKind, issuer, name: client.clientId, body: text }
        return { kind: 'put-document', document: record }
      }
      const writes: readonly Write[] = [
        { kind: 'raise-revision', from: revision },
        put('RegisteredClient', body),
        ...(secretSpec ? [put('ClientSecret', secretBodyOf(client.clientId, context, secretSpec))] : []),
      ]
      return accept({ writes, client: compiled.value })
    },
  }
}

function bodyOf(client: RegisteredClient, issuer: string): string {
  const { clientId: name, ...spec } = client
  return canonicalJson({ apiVersion, kind: 'RegisteredClient', metadata: { name, issuer }, spec })
}

function secretBodyOf(name: string, { binding }: ClientContext, spec: ClientSecretSpec): string {
  return canonicalJson({ apiVersion, kind: 'ClientSecret', metadata: { name, issuer: binding.name }, spec })
}

/** The first problem, as the registration endpoint tells it. */
function refusalOf(problems: readonly Problem[]): Outcome<never> {
  const [first] = problems
  if (first === undefined) throw new TypeError('no problem')
  const field = first.field.replace(/^spec\.(metadata\.)?/, '')
  const text = textOfProblem({ ...first, document: 'the client' })
  if (first.ruleId === undefined)
    return refuse('registration.metadata', ['RFC7591-2-form'], 'invalid_client_metadata', text, { field })
  const error = first.error === 'invalid_redirect_uri' ? 'invalid_redirect_uri' : 'invalid_client_metadata'
  const { ruleId, clauses = [], message: reason } = first
  return { ok: false, ruleId, clauses, error, reason, facts: { field } }
}
