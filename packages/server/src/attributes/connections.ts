import { isJsonObject, type JsonObject, parseJson } from '@holdfast/protocol/wire/json.ts'
import type { Pool, PoolClient } from 'pg'
import { AnswerTooLarge, type OutboundOptions, openOutbound } from '../outbound/client.ts'
import { answerBytesMax, answersTooMuch, boundAnswer } from './answer-bytes.ts'
import type { HttpConnection, LdapConnection, SqlConnection } from './kinds/kind.ts'
import { type LdapAddress, openLdap } from './ldap.ts'
import { UnusableAnswer } from './unusable.ts'

/** A connection as the configuration names it. */
export type Connection =
  | {
      readonly kind: 'http'
      readonly name: string
      /** Origin, https. */
      readonly url: string
      /** Read for every question: it may be another one by then. Undefined: none is sent. */
      readonly readBearer: (() => Promise<string>) | undefined
      readonly reach: Pick<OutboundOptions, 'networks' | 'caPem' | 'identity' | 'resolve'>
    }
  | { readonly kind: 'postgres'; readonly name: string; readonly connectionString: string }
  | ({ readonly kind: 'ldap'; readonly name: string } & LdapAddress)

export interface Connections {
  readonly http: (name: string) => HttpConnection | undefined
  readonly sql: (name: string) => SqlConnection | undefined
  readonly ldap: (name: string) => LdapConnection | undefined
}

/** Questions under way over one connection, and sockets for them. */
const most = { requests: 256, connections: 16 } as const
const sqlConnectionsMax = 4
const sqlConnectTimeoutMs = 2000
/** Longer than any deadline: a line that says nothing any more must not be held for ever. */
const sqlSilenceMs = 3000

/** Statuses of an answer to this one question, which whoever has an odd name could provoke. */
const ofKey: ReadonlySet<number> = new Set([400, 413, 414, 422])

/** Opens what the configuration names. Nothing is connected yet. */
export async function openConnections(
  connections: readonly Connection[],
): Promise<Connections & { readonly close: () => Promise<void> }> {
  const http = new Map<string, HttpConnection>()
  const sql = new Map<string, SqlConnection>()
  const ldap = new Map<string, LdapConnection>()
  const closers: (() => Promise<void>)[] = []
  for (const connection of connections)
    if (connection.kind === 'http') {
      const allowedPorts = [Number(new URL(connection.url).port || 443)]
      const outbound = openOutbound({ ...connection.reach, allowedPorts, most })
      await outbound.load()
      closers.push(outbound.close)
      http.set(connection.name, { ask: (...asked) => askHttp(connection, outbound, ...asked) })
    } else if (connection.kind === 'ldap') {
      ldap.set(connection.name, await openLdap(connection))
    } else {
      const { default: pg } = await import('pg')
      const pool = new pg.Pool({
        connectionString: connection.connectionString,
        max: sqlConnectionsMax,
        connectionTimeoutMillis: sqlConnectTimeoutMs,
        idleTimeoutMillis: 30_000,
        query_timeout: sqlSilenceMs,
        application_name: 'holdfast attributes',
      })
      // A connection that breaks while nobody uses it: the next question opens another.
      pool.on('error', () => undefined)
      // One that breaks while it is asked: the question sees it, and an error nobody listens to would end the process.
      pool.on('connect', line => line.on('error', () => undefined))
      closers.push(() => pool.end())
      sql.set(connection.name, { select: (query, key, timeoutMs) => select(pool, query, key, timeoutMs) })
    }
  return {
    http: name => http.get(name),
    sql: name => sql.get(name),
    ldap: name => ldap.get(name),
    close: async () => {
      await Promise.all(closers.map(close => close()))
    },
  }
}

async function askHttp(
  { url, readBearer }: Extract<Connection, { kind: 'http' }>,
  outbound: Pick<ReturnType<typeof openOutbound>, 'askText' | 'postText'>,
  path: string,
  body: object | undefined,
  timeoutMs: number,
): Promise<JsonObject | undefined> {
  const bearer = await readBearer?.().catch((cause: unknown) => {
    throw new Error('its token cannot be read', { cause })
  })
  const headers = {
    accept: 'application/json',
    ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
  }
  const limits = { bytesMax: answerBytesMax, timeoutMs }
  const asked =
    body === undefined
      ? outbound.askText(url + path, { headers, ...limits })
      : outbound.postText(url + path, {
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify(body),
          ...limits,
        })
  const answer = await asked.catch((cause: unknown) => {
    throw cause instanceof AnswerTooLarge ? new UnusableAnswer(cause.message, { cause }) : cause
  })
  if (answer.status === 404) return undefined
  const status = `it answered with status ${answer.status}`
  if (ofKey.has(answer.status)) throw new UnusableAnswer(status)
  if (answer.status !== 200) throw new Error(status)
  const read = parseJson(answer.text)
  if (!isJsonObject(read)) throw new UnusableAnswer('it did not answer with one strict JSON object')
  return read
}

/** Cardinality and data (SQLSTATE 21, 22): a key that is no value of its column, or two rows where there is one. */
function isOfKey(sqlState: string): boolean {
  return /^2[12][0-9A-Z]{3}$/.test(sqlState)
}

/**
 * In a transaction that can only read, with the database's own deadline; a line that did not end in time is thrown away,
 * because what is still under way on it is nobody's any more.
 */
async function select(
  pool: Pool,
  query: string,
  key: string,
  timeoutMs: number,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  let line: PoolClient | undefined
  let endCount = (): void => undefined
  let isTooLarge = false
  let isClean = false
  try {
    line = await pool.connect()
    endCount = boundAnswer(line.connection.stream, () => {
      isTooLarge = true
    })
    await line.query(`begin read only; set local statement_timeout = ${Math.ceil(timeoutMs)}`)
    const { rows } = await line.query<Record<string, unknown>>({
      text: `select * from (${query}) as told limit 2`,
      values: [key],
    })
    await line.query('rollback')
    // The driver reads what broke the line off, too: it can be the end of an answer that it takes for whole.
    if (isTooLarge) throw new Error('the line is broken off')
    isClean = true
    return rows
  } catch (cause) {
    if (isTooLarge) throw new UnusableAnswer(answersTooMuch, { cause })
    // What a database says about a failure can hold a person's data; its code does not.
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no answer'
    const message = `the query failed (${code})`
    throw isOfKey(code) ? new UnusableAnswer(message, { cause }) : new Error(message, { cause })
  } finally {
    endCount()
    line?.release(!isClean)
  }
}
