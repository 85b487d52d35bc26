import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { looksLikeIdentity } from '@holdfast/protocol/specs/holdfast-gateway/rules.ts'
import { clientCertOf } from '@holdfast/protocol/specs/rfc9440-client-cert/rules.ts'
import { protect } from '@holdfast/resource-server/adapters/node.ts'
import { parse, parseAllDocuments } from 'yaml'
import { type AskAnswer, type AskOptions, ask } from '../../packages/gateway/src/check/testing/ask.ts'
import {
  type Bed,
  credentials,
  openBed,
  proofFor,
  send,
  thumbprintOf,
} from '../../packages/gateway/src/testing/bed.ts'

/** Names and values in turn, as they stand on the wire. */
export type Fields = readonly (readonly [name: string, value: string])[]

/** A request of a client, as a gateway has read it. */
export interface Arrived {
  readonly method: string
  readonly target: string
  readonly host: string
  readonly address: string
  readonly fields: Fields
}

/** What becomes of it: fields the API gets, or the answer the client gets. */
export type Outcome =
  | { readonly isAllowed: true; readonly toApi: Fields }
  | {
      readonly isAllowed: false
      readonly status: number
      readonly toClient: Readonly<Record<string, unknown>>
    }

/** A gateway as its documentation and source say it works, with the configuration we ship. */
export type Emulation = (
  arrived: Arrived,
  put: (question: AskOptions) => Promise<AskAnswer>,
  bed: Bed,
) => Promise<Outcome>

/** Whether the product could be asked for a second time about one request. */
export interface Product {
  readonly name: string
  readonly emulate: Emulation
  readonly hasCheckId: boolean
  /** Whether it asks with the certificate of the proxy; else with the key. */
  readonly hasCertificate: boolean
  /** What it makes of a status, where it cannot pass on ours. */
  readonly statusOf?: (status: number) => number
  /** Whether a refusal reaches the client without its challenge. */
  readonly losesChallenge?: boolean
}

export const shippedText = (path: string): string => readFileSync(join(import.meta.dirname, path), 'utf8')
export const shippedYaml = (path: string): unknown => parse(shippedText(path))
export const shippedDocuments = (path: string): readonly unknown[] =>
  parseAllDocuments(shippedText(path)).map(document => document.toJS() as unknown)

/** A value deep in a configuration. @throws AssertionError that names the step which is not there */
export function at(value: unknown, ...steps: readonly (string | number)[]): unknown {
  let here = value
  for (const step of steps) {
    assert.ok(typeof here === 'object' && here !== null && Object.hasOwn(here, step), `no \`${step}\``)
    here = (here as Record<string | number, unknown>)[step]
  }
  return here
}

/** A document of a manifest by its kind. */
export function kindOf(documents: readonly unknown[], kind: string): unknown {
  return documents.find(document => at(document, 'kind') === kind) ?? assert.fail(`no ${kind}`)
}

export function textsAt(value: unknown, ...steps: readonly (string | number)[]): readonly string[] {
  const found = at(value, ...steps)
  assert.ok(Array.isArray(found) && found.every(text => typeof text === 'string'))
  return found as readonly string[]
}

/** Fields without some names, whatever their case. */
export function without(fields: Fields, isGone: (name: string) => boolean): Fields {
  return fields.filter(([name]) => !isGone(name.toLowerCase()))
}

/** Of an answer, the fields that are named. */
export function picked(answer: AskAnswer, names: readonly string[]): Fields {
  return names.flatMap(name => {
    const value = answer.headers[name.toLowerCase()]
    return typeof value === 'string' ? [[name.toLowerCase(), value] as const] : []
  })
}

/** Fields as Node wants them, repeated names kept. */
export function headersOf(fields: Fields): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (const [name, value] of fields) headers[name] = [...(headers[name] ?? []), value]
  return headers
}

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
])
export const isHopByHop = (name: string): boolean => hopByHop.has(name)

const spoofs: Fields = [
  ['x-user', 'spoofed'],
  ['x-remote-user', 'spoofed'],
  ['x-original-url', '/spoofed'],
  ['client-cert', ':c3Bvb2ZlZA==:'],
  ['cookie', 'spoofed=1'],
]

/** The tests that hold for every gateway beside which Holdfast stands. */
export function contractOf({
  name,
  emulate,
  hasCheckId,
  hasCertificate,
  statusOf = status => status,
  losesChallenge = false,
}: Product): void {
  describe(`the contract of ${name}`, () => {
    let bed: Bed
    before(async () => {
      bed = await openBed({ isBeside: true })
      bed.api.listener = protect(bed.api.sdk, {}, (incoming, response) => void response.end(incoming.url))
    })
    after(async () => await bed.close())

    const arrive = async (
      target: string,
      fields: Fields,
      { method = 'GET', times = 1 }: { readonly method?: string; readonly times?: number } = {},
    ): Promise<Outcome> => {
      const put = async (question: AskOptions): Promise<AskAnswer> => {
        let answer: AskAnswer | undefined
        for (let time = 0; time < times; time++)
          answer = await ask(bed, {
            ...question,
            ...(hasCertificate && { certificate: bed.proxyCertificate }),
          })
        return answer ?? assert.fail()
      }
      const host = `localhost:${bed.port}`
      return await emulate({ method, target, host, address: '192.0.2.9', fields }, put, bed)
    }
    const good = (target: string, claims = {}): Fields =>
      Object.entries(credentials(bed, { token: bed.token(claims), path: target }))

    const refused = async (status: number, rule: string, outcome: Outcome): Promise<void> => {
      assert.ok(!outcome.isAllowed, 'was let in')
      assert.equal(outcome.status, statusOf(status))
      if (status === 401 || status === 403) {
        assert.equal(bed.events.at(-1)?.ruleId, rule)
        if (!losesChallenge) assert.match(String(outcome.toClient['www-authenticate']), /^DPoP /)
      }
    }

    test('an honest request passes, and the API verifies what it gets', async () => {
      const target = '/accounts?page=2'
      const outcome = await arrive(target, [...good(target), ['accept', 'application/json']])
      assert.ok(outcome.isAllowed, JSON.stringify(outcome))
      const sent = { path: target, certificate: bed.proxyCertificate, headers: headersOf(outcome.toApi) }
      const answer = await send({ ...bed, port: bed.api.port }, sent)
      assert.deepEqual([answer.status, answer.text], [200, target], JSON.stringify(bed.apiEvents.at(-1)))
      assert.deepEqual(
        outcome.toApi.filter(([field]) => ['authorization', 'dpop'].includes(field.toLowerCase())),
        [],
      )
    })

    test('missing, spent, foreign and unscoped credentials are refused, with the challenge', async () => {
      await refused(401, 'bearer.credentials-missing', await arrive('/accounts', []))
      const spent = good('/accounts')
      assert.ok((await arrive('/accounts', spent)).isAllowed)
      await refused(401, 'replay.proof', await arrive('/accounts', spent))
      await refused(401, 'dpop.htu', await arrive('/accounts/7', good('/accounts')))
      await refused(401, 'dpop.htm', await arrive('/accounts/7', good('/accounts/7'), { method: 'DELETE' }))
      await refused(403, 'bearer.scope', await arrive('/accounts', good('/accounts', { scope: 'openid' })))
      const token = bed.token()
      const elsewhere = proofFor({ ...bed, origin: 'https://evil.example' }, { token })
      const fields: Fields = [
        ['authorization', `DPoP ${token}`],
        ['dpop', elsewhere],
        ['x-forwarded-host', 'evil.example'],
      ]
      assert.ok(!(await arrive('/accounts', fields)).isAllowed)
    })

    test('a path with two spellings, and what is no route, are refused', async () => {
      for (const target of ['//accounts', '/accounts/../payments', '/accounts/%2e%2e/x', '/accounts;a'])
        await refused(400, '', await arrive(target, good(target)))
      await refused(404, '', await arrive('/admin', good('/admin')))
    })

    test('nothing of the client that looks like an identity reaches the API', async () => {
      const outcome = await arrive('/accounts', [...good('/accounts'), ...spoofs])
      if (!outcome.isAllowed) return
      assert.ok(!JSON.stringify(outcome.toApi).includes('spoofed'))
      const own = new Set(['x-request-id', 'host'])
      const names = outcome.toApi.map(([field]) => field.toLowerCase())
      assert.deepEqual(
        names.filter(field => looksLikeIdentity(field) && !own.has(field) && !field.startsWith('holdfast-')),
        [],
      )
    })

    test('a certificate that stands in a header of the client proves nothing', async () => {
      const { certPem } = bed.clientCertificate
      const token = bed.token({ cnf: { 'x5t#S256': thumbprintOf(certPem) } })
      const outcome = await arrive('/accounts', [
        ['authorization', `Bearer ${token}`],
        ['client-cert', clientCertOf(new X509Certificate(certPem).raw)],
      ])
      assert.ok(!outcome.isAllowed, 'the certificate is public, its key is not')
    })

    test('a check id of the client makes no proof good for two requests', async () => {
      const fields: Fields = [...good('/accounts'), ['holdfast-check-id', 'c'.repeat(32)]]
      await arrive('/accounts', fields)
      assert.ok(!(await arrive('/accounts', fields)).isAllowed)
    })

    test('forged evidence and forged words of a proxy let nobody in', async () => {
      const forged: Fields = [
        ['holdfast-evidence', 'forged'],
        ['holdfast-token', 'forged'],
        ['x-forwarded-uri', '/accounts'],
        ['x-forwarded-method', 'GET'],
        ['holdfast-check-key', 'forged'],
      ]
      const outcome = await arrive('/accounts', forged)
      assert.ok(!outcome.isAllowed)
      const mixed = await arrive('/accounts', [...good('/accounts'), ...forged])
      if (mixed.isAllowed) assert.ok(!JSON.stringify(mixed.toApi).includes('forged'))
    })

    test(`a question that is asked again ${hasCheckId ? 'has the same answer' : 'is a replay'}`, async () => {
      const outcome = await arrive('/accounts', good('/accounts'), { times: 2 })
      assert.equal(outcome.isAllowed, hasCheckId)
    })

    test('without the certificate or the key of the proxy there is no answer', async () => {
      const put = (question: AskOptions): Promise<AskAnswer> => {
        const headers = Object.fromEntries(
          Object.entries(question.headers ?? {}).filter(
            ([field]) => field.toLowerCase() !== 'holdfast-check-key',
          ),
        )
        return ask(bed, { ...question, headers })
      }
      const host = `localhost:${bed.port}`
      const fields = good('/accounts')
      const outcome = await emulate(
        { method: 'GET', target: '/accounts', host, address: '', fields },
        put,
        bed,
      )
      assert.ok(!outcome.isAllowed)
      assert.equal(outcome.status, statusOf(403))
    })
  })
}
