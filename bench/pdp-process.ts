import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import {
  answerAuthzen,
  compilePolicySet,
  createPdp,
  type Pdp,
  pdpHandler,
  pdpListener,
  prepareEntities,
} from '@holdfast/policy'
import { readEvaluation } from '@holdfast/protocol/specs/authzen/rules.ts'
import { parseJsonObject } from '@holdfast/protocol/wire/json.ts'
import { getRequestListener } from '@hono/node-server'
import { type Question, severalText, singleText, worldOf } from './pdp-world.ts'

/**
 * The measured process: decision points of every size, asked in the process and over HTTPS, with cedar-wasm beside them
 * in both places. Argument: JSON options.
 */
export interface Options {
  readonly sizes: readonly number[]
  readonly batch: number
  readonly certFile: string
  readonly keyFile: string
  /** `Authorization` of whoever may ask. */
  readonly authorization: string
}

/** Ports of the listeners of one size; the bare one judges nothing. */
export interface Listening {
  readonly size: number
  readonly bare: number
  readonly handler: number
  readonly listener: number
  readonly cedar: number
}

/** A question to this process: what one call of this kind costs, over about so many milliseconds. */
export interface Ask {
  readonly size: number
  readonly kind: Kind
  readonly milliseconds: number
}

/**
 * cedar-wasm with the entities the question needs, and with all; our decision point asked with an object, with the
 * text of a message, and with the text of a batch.
 */
export type Kind = 'cedar' | 'cedar, all entities' | 'object' | 'text' | 'batch'

/** Of one call. */
export interface Answer {
  readonly cpuUs: number
  readonly p50Us: number
  readonly p99Us: number
}

interface Point {
  readonly pdp: Pdp
  readonly calls: Readonly<Record<Kind, (index: number) => unknown>>
  /** Decides the text of one AuthZEN question with cedar-wasm. */
  readonly cedarText: (text: string) => string
}

const { sizes, batch, certFile, keyFile, authorization } = JSON.parse(process.argv[2] ?? '{}') as Options
const url = 'https://localhost'
const tls = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
const listening: Listening[] = []
const points = new Map<number, Point>()
for (const size of sizes) {
  const point = pointOf(size)
  points.set(size, point)
  const { pdp } = point
  const common = { pdp, url, challenge: 'Bearer' }
  const handler = pdpHandler({
    ...common,
    authenticate: ({ headers }) => headers.get('authorization') === authorization,
  })
  const listener = pdpListener<IncomingMessage>({
    ...common,
    authenticate: ({ headers }) => headers.authorization === authorization,
    onFault: cause => process.stderr.write(`${String(cause)}\n`),
  })
  listening.push({
    size,
    bare: await listen(bare(() => '{"decision":true,"context":{}}')),
    handler: await listen(getRequestListener(handler)),
    listener: await listen(listener),
    cedar: await listen(bare(point.cedarText)),
  })
}
process.on('message', (message: 'cpu' | 'stop' | Ask) => {
  if (message === 'stop') process.exit(0)
  process.send?.(message === 'cpu' ? { cpu: process.cpuUsage() } : measured(message))
})
process.on('disconnect', () => process.exit(0))
process.send?.(listening)

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(tls, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Reads the body and answers a JSON text: the least a decision over HTTPS can cost. */
function bare(answer: (text: string) => string): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = answer(Buffer.concat(chunks).toString('utf8'))
      response.writeHead(200, {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'content-length': Buffer.byteLength(body),
      })
      response.end(body)
    })
  }
}

function must<Value>(
  outcome: { ok: true; value: Value } | { ok: false; problems?: readonly unknown[]; reason?: string },
): Value {
  if (!outcome.ok) throw new Error(outcome.reason ?? JSON.stringify(outcome.problems))
  return outcome.value
}

function pointOf(size: number): Point {
  const { schema, policies, entities, questions, needed } = worldOf(size)
  const set = must(compilePolicySet({ schema: { name: 'schema', text: schema }, policies }))
  const deciding = { set, entities: must(prepareEntities(set, entities)) }
  const pdp = createPdp({ deciding: () => deciding })
  const name = `bench-${size}`
  cedar.preparseSchema(name, schema)
  cedar.preparsePolicySet(name, { staticPolicies: Object.values(policies).join('\n') })
  const askCedar = (asked: Question['asked'], known: cedar.Entities): cedar.Response => {
    const answer = cedar.statefulIsAuthorized({
      ...asked,
      preparsedPolicySetId: name,
      preparsedSchemaName: name,
      validateRequest: true,
      entities: known,
    })
    if (answer.type === 'failure') throw new Error(answer.errors[0]?.message)
    return answer.response
  }
  const prepared = questions.map((question, index) => {
    const { asked } = question
    const text = singleText(question)
    return {
      asked,
      slice: needed(asked.principal, asked.resource),
      text,
      object: must(readEvaluation(parseJsonObject(text))),
      batchText: severalText(questions, index, batch),
    }
  })
  const decideText = (text: string): string =>
    JSON.stringify(answerAuthzen(pdp, 'access_evaluation_endpoint', text).body)
  for (const { asked, slice, text } of prepared) {
    const theirs = askCedar(asked, slice)
    const ours = JSON.parse(decideText(text)) as Said
    if (ours.decision !== (theirs.decision === 'allow') || ours.context.error !== undefined)
      throw new Error(`answered differently: ${text}`)
  }
  const call =
    (of: (one: (typeof prepared)[number]) => unknown) =>
    (index: number): unknown => {
      const one = prepared[index % prepared.length]
      return one && of(one)
    }
  const all = [...entities]
  return {
    pdp,
    calls: {
      cedar: call(({ asked, slice }) => askCedar(asked, slice)),
      'cedar, all entities': call(({ asked }) => askCedar(asked, all)),
      object: call(({ object }) => pdp.evaluate(object)),
      text: call(({ text }) => decideText(text)),
      batch: call(({ batchText }) =>
        JSON.stringify(answerAuthzen(pdp, 'access_evaluations_endpoint', batchText).body),
      ),
    },
    cedarText: text => {
      const { subject, action, resource, context } = JSON.parse(text) as Message
      const asked = { principal: subject, action: { type: 'Action', id: action.name }, resource, context }
      const { decision, diagnostics } = askCedar(asked, needed(subject, resource))
      return JSON.stringify({
        decision: decision === 'allow',
        context: { policy_version: name, determining_policies: diagnostics.reason },
      })
    },
  }
}

/** CPU microseconds per call, and how long one took by the clock. */
function measured({ size, kind, milliseconds }: Ask): Answer {
  const call = points.get(size)?.calls[kind]
  if (call === undefined) throw new Error(`no decision point of ${size}`)
  const tookMs: number[] = []
  const before = process.cpuUsage()
  const until = performance.now() + milliseconds
  let started = performance.now()
  for (let index = 0; started < until; index++) {
    call(index)
    const ended = performance.now()
    tookMs.push(ended - started)
    started = ended
  }
  const { user, system } = process.cpuUsage(before)
  tookMs.sort((one, other) => one - other)
  const at = (share: number): number => 1000 * (tookMs[Math.floor(share * (tookMs.length - 1))] ?? Number.NaN)
  return { cpuUs: (user + system) / tookMs.length, p50Us: at(0.5), p99Us: at(0.99) }
}

interface Message {
  readonly subject: cedar.TypeAndId
  readonly action: { readonly name: string }
  readonly resource: cedar.TypeAndId
  readonly context: cedar.Context
}

interface Said {
  readonly decision: boolean
  readonly context: { readonly error?: unknown }
}
