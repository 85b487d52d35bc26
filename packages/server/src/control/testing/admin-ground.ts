import assert from 'node:assert/strict'
import { epochSeconds } from '@holdfast/protocol'
import { openEntropy } from '../../entropy.ts'
import type { Clock, Passwords } from '../../ports.ts'
import type { IssuerBinding } from '../../snapshot/compile.ts'
import { openSqliteStore } from '../../store/drivers/sqlite.ts'
import type { Store } from '../../store/store.ts'
import { adminOperations } from '../admin-http/operations.ts'
import { judgeAsked, worked } from '../admin-http/room.ts'
import {
  type AdminCaller,
  type AdminDesk,
  type AdminVisit,
  type Done,
  openStanding,
  visitOf,
} from '../admin-http/visit.ts'
import { adminScopes } from '../admin-scopes.ts'
import { apply } from '../apply.ts'
import type { DocumentOf } from '../document.ts'
import { audience, issuer, strong } from './admin-world.ts'

/** The operations of the admin API without sockets and tokens: many short stories, told by who does what. */

export const groundNow = epochSeconds(1_800_000_000)
export const groundClock: Clock = { now: () => groundNow, monotonicMs: () => 0 }

/** A clock at the same time, which goes on only when it is told to. */
export function movedClock(): Clock & { readonly pass: (seconds: number) => void } {
  let time: number = groundNow
  return {
    ...groundClock,
    now: () => epochSeconds(time),
    pass: seconds => {
      time += seconds
    },
  }
}
const entropy = openEntropy()
/** Hashing is not the subject; a password is told apart by its hash all the same. */
const passwords: Passwords = {
  verify: async (password, encoded) => encoded === hashOf(password),
  hash: async password => hashOf(password),
  verifyNothing: async () => false,
}
const hashOf = (text: string): string =>
  `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${Buffer.from(text.padEnd(40, '.')).toString('base64').replaceAll('=', '')}`

export const mainBinding: IssuerBinding = {
  ...{ name: 'main', url: issuer, mtlsUrl: 'https://mtls.as.example', environment: 'production' },
  clientTrustAnchors: [],
}

/** One request: an operation by its id, what stands in its path, its query and its body. */
export interface Line {
  readonly id: string
  readonly name?: string | undefined
  readonly body?: unknown
  readonly query?: Readonly<Record<string, unknown>>
}

export interface AdminGround {
  readonly store: Store
  readonly desk: AdminDesk
  /** @param who name of an Administrator document; of a user when the document names one */
  readonly send: (who: string, line: Line) => Promise<Done | 'refused'>
  readonly close: () => Promise<void>
}

export interface GroundOptions {
  readonly documents: readonly object[]
  readonly issuers?: readonly IssuerBinding[]
  readonly clock?: Clock
  /** One of its own, in memory, unless said. */
  readonly store?: Store
  /** What a commit of an operation runs into. */
  readonly commit?: (store: Store) => Store['commit']
  readonly keys?: (store: Store) => Promise<AdminDesk['options']['keys']>
}

export async function openAdminGround({
  documents,
  issuers = [mainBinding],
  clock = groundClock,
  store: given,
  commit,
  keys,
}: GroundOptions): Promise<AdminGround> {
  const opened = given ?? (await openSqliteStore({ path: ':memory:', clock }))
  let count = 0
  const ports = {
    ...{ store: opened, clock, entropy, passwords, issuers },
    newReference: () => `reference-${++count}`,
  }
  const text = documents.map(one => JSON.stringify(one)).join('\n---\n')
  const applied = await apply({ files: [{ path: 'ground', text }], dryRun: false, prune: false }, ports)
  assert.ok(applied.ok, JSON.stringify(applied))
  const store = commit === undefined ? opened : { ...opened, commit: commit(opened) }
  const desk: AdminDesk = {
    ...{ issuerUrl: issuer, audience, highRiskAcr: strong },
    options: {
      ...{
        ports: { ...ports, store },
        snapshot: undefined,
        keys: await keys?.(store),
        onApplied: async () => {},
      },
      startedAt: groundNow,
      outbound: { getJson: async () => assert.fail('nothing is fetched') },
    },
  }
  const standing = openStanding(store)
  const ask = async (who: string, { id, name, body, query = {} }: Line): Promise<Done | 'refused'> => {
    const operation = adminOperations.find(one => one.id === id)
    assert.ok(operation, id)
    const at = await standing()
    const isOne = ({ name: of, issuer: url }: { name: string; issuer: string }) =>
      of === who && url === issuer
    const record = at.records.find(one => one.documentKind === 'Administrator' && isOne(one))
    const administrator = at.documents.find(
      ({ document, issuerUrl }) =>
        document.kind === 'Administrator' && isOne({ name: document.name, issuer: issuerUrl }),
    )?.document as DocumentOf<'Administrator'> | undefined
    if (administrator === undefined || record === undefined) return 'refused'
    const parsed = operation.body?.safeParse(body) ?? { success: true, data: undefined }
    const asked = operation.query?.safeParse(query) ?? { success: true, data: {} }
    if (!parsed.success || !asked.success) return 'refused'
    const { user, scopes, responsible = [], issuers: reach } = administrator.spec
    const caller: AdminCaller = {
      ...{ name: who, isPerson: user !== undefined, username: user, responsible, record, reach, scopes },
      ...{ clientId: 'admin-cli', acr: strong, authTime: clock.now(), highAcrs: [strong] },
    }
    const params: Readonly<Record<string, string>> = name === undefined ? {} : { name }
    const request = {
      ...{ requestId: `request-${++count}`, params },
      ...{ query: asked.data, body: parsed.data },
    }
    const bare = visitOf(desk, at, caller, { ...request, header: () => undefined })
    const etag = await etagOf(operation.path, bare)
    const header: AdminVisit['header'] = asking =>
      asking === (etag === undefined ? 'if-none-match' : 'if-match') ? (etag ?? '*') : undefined
    const judged = judgeAsked(operation, { ...bare, header }, adminScopes, administrator)
    return judged.ok ? await worked(operation, judged.value) : { ok: false, refusal: judged }
  }
  return { store: opened, desk, send: ask, close: () => opened.close() }
}

async function etagOf(path: string, visit: AdminVisit): Promise<string | undefined> {
  const kind = path.split('/')[3] ?? ''
  const read = adminOperations.find(one => one.method === 'GET' && one.path === `/admin/v1/${kind}/:name`)
  if (read === undefined || visit.params.name === undefined || kind === 'changes') return undefined
  const found = await read.work(visit)
  return found.ok ? found.headers?.find(([header]) => header === 'etag')?.[1] : undefined
}
