import { readFileSync } from 'node:fs'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { compilePolicySet, createPdp, type DecisionRecord, type Pdp, prepareEntities } from '@holdfast/policy'
import { type Asked, createResourceServer, decideBy, type ResourceServer } from '@holdfast/resource-server'
import { protect, writeAnswer } from '@holdfast/resource-server/adapters/node.ts'
import { type CaseFile, CaseFiles } from './case-files.ts'
import { entities } from './people.ts'

/** Compiles the policies beside this file. @throws Error that says what is wrong with them, where */
export function openPdp(onDecision: (record: DecisionRecord) => void): Pdp {
  const text = (name: string): string => readFileSync(join(import.meta.dirname, 'policies', name), 'utf8')
  const compiled = compilePolicySet({
    schema: { name: 'cases.cedarschema', text: text('cases.cedarschema') },
    policies: { 'cases.cedar': text('cases.cedar') },
  })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems))
  const prepared = prepareEntities(compiled.value, entities)
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems))
  // People and offices are known here; of a case this API knows everything, and tells it with the question.
  const deciding = { set: compiled.value, entities: prepared.value, givenTypes: ['Case'] }
  return createPdp({ deciding: () => deciding, onDecision })
}

interface Surroundings {
  readonly api: ResourceServer
  readonly pdp: Pdp
  readonly files: CaseFiles
  /** Seconds since 1970. */
  readonly now: () => number
}

type Verb = 'read' | 'propose' | 'approve' | 'pay'

/** What each request does to a case file, when everything said yes to it. */
const changes: Readonly<
  Record<Exclude<Verb, 'read'>, (by: string, now: number, cents: number) => Partial<CaseFile>>
> = {
  propose: (by, _, cents) => ({ state: 'proposed', proposer: by, payoutCents: cents }),
  approve: (_, now) => ({ state: 'approved', approvedAt: now }),
  pay: () => ({ state: 'paid' }),
}

const routes: Readonly<Record<string, { readonly verb: Verb; readonly scopes: readonly string[] }>> = {
  'GET ': { verb: 'read', scopes: ['cases:work'] },
  'POST proposal': { verb: 'propose', scopes: ['cases:work'] },
  'POST approval': { verb: 'approve', scopes: ['cases:approve'] },
  'POST payment': { verb: 'pay', scopes: ['cases:work'] },
}

/** An API of regulated cases: a scope opens the door, the decision is about this officer, this case, in this state. */
export function casesApi({ api, pdp, files, now }: Surroundings): RequestListener {
  // The file that was decided about: only that one may be changed afterwards.
  const decided = new WeakMap<IncomingMessage, CaseFile>()

  const listenerOf = (verb: Verb, scopes: readonly string[]): RequestListener =>
    protect(
      api,
      {
        action: `${verb} case`,
        scopes,
        decide: decideBy<IncomingMessage>(pdp, ({ token, request }): Asked | undefined => {
          const file = files.find(partsOf(request).id)
          if (file === undefined) return undefined
          decided.set(request, file)
          const allowedCents = verb === 'pay' ? centsAllowed(token.authorizationDetails, file.id) : undefined
          return {
            subject: { type: 'Officer', id: token.subject },
            action: { name: verb },
            resource: { type: 'Case', id: file.id, properties: propertiesOf(file) },
            context: { now: now(), ...(allowedCents !== undefined && { allowedCents }) },
          }
        }),
      },
      async (request, response, token) => {
        const file = decided.get(request)
        if (file === undefined) throw new Error('nothing was decided about')
        if (verb === 'read') return answer(response, 200, file)
        const cents = verb === 'propose' ? await centsOf(request) : 0
        if (cents === undefined) return answer(response, 400, { error: '`cents` is no amount' })
        const isChanged = files.change(file, changes[verb](token.subject, now(), cents))
        return answer(response, isChanged ? 200 : 409, files.find(file.id))
      },
    )

  const listeners = new Map(
    Object.entries(routes).map(([route, { verb, scopes }]) => [route, listenerOf(verb, scopes)]),
  )
  return (request, response) => {
    const { id, rest } = partsOf(request)
    const listener = id === '' ? undefined : listeners.get(`${request.method} ${rest}`)
    if (listener === undefined) return writeAnswer(response, { status: 404, headers: [], body: '' })
    return listener(request, response)
  }
}

function partsOf({ url = '' }: IncomingMessage): { readonly id: string; readonly rest: string } {
  const [, id = '', rest = ''] = /^\/cases\/([\w-]{1,64})(?:\/(\w+))?$/.exec(url) ?? []
  return { id, rest }
}

function propertiesOf({ tenant, assignee, state, payoutCents, proposer, approvedAt }: CaseFile): object {
  const officer = (id: string) => ({ __entity: { type: 'Officer', id } })
  return {
    tenant: { __entity: { type: 'Tenant', id: tenant } },
    assignee: officer(assignee),
    state,
    payoutCents,
    ...(proposer !== undefined && { proposer: officer(proposer) }),
    ...(approvedAt !== undefined && { approvedAt }),
  }
}

/** What the officer agreed to pay out for this very case; the type and its fields stand in `register.ts`. */
function centsAllowed(details: readonly object[], id: string): number | undefined {
  const amounts = (details as readonly PayoutDetail[])
    .filter(detail => detail.type === 'case_payout' && detail.case === id)
    .map(({ amount }) => Math.round(Number(amount.amount) * 100))
  return amounts.length === 0 ? undefined : Math.max(...amounts)
}

interface PayoutDetail {
  readonly type: string
  readonly case: string
  readonly amount: { readonly currency: string; readonly amount: string }
}

async function centsOf(request: IncomingMessage): Promise<number | undefined> {
  let text = ''
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > 1000) return undefined
  }
  try {
    const { cents } = JSON.parse(text) as { readonly cents?: unknown }
    return Number.isSafeInteger(cents) && Number(cents) > 0 ? Number(cents) : undefined
  } catch {
    return undefined
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

// node examples/cases/api.ts [folder]: behind the gateway, which alone is believed.
if (import.meta.main) {
  const folder = process.argv[2] ?? 'my-cases'
  const { ISSUER = 'https://localhost:8443', PORT = '8471', GATEWAY = 'https://localhost:8472' } = process.env
  const { evidenceKey } = JSON.parse(readFileSync(join(folder, 'trust.json'), 'utf8')) as {
    evidenceKey: unknown
  }
  const log = (record: object): void => {
    process.stdout.write(`${JSON.stringify(record)}\n`)
  }
  const api = createResourceServer({
    issuer: ISSUER,
    audience: `https://localhost:${PORT}`,
    tokens: { gateway: { issuer: GATEWAY, audience: 'holdfast:api:cases', keys: [evidenceKey] } },
    audit: log,
  })
  await api.warmUp()
  const tls = (name: string): Buffer => readFileSync(join('.holdfast/tls', name))
  createServer(
    { cert: tls('server.pem'), key: tls('server.key'), requestCert: true, rejectUnauthorized: false },
    casesApi({
      api,
      pdp: openPdp(log),
      files: new CaseFiles(),
      now: () => Math.floor(Date.now() / 1000),
    }),
  ).listen(Number(PORT), '127.0.0.1', () => process.stdout.write(`cases API at https://localhost:${PORT}\n`))
}
