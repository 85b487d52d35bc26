import { readFileSync } from 'node:fs'
import type { AdminApi, AuditList } from '@holdfast/server/control/admin-api.ts'
import { type Catalogue, readCatalogue } from '../catalogue.ts'
import type { DemoKit } from '../demo-kit.ts'
import { actorFor } from './actor.ts'
import { type Attempt, errorOf, referenceOf } from './attack.ts'
import { Browser } from './browser.ts'
import { type Cast, obtainCode, type Walked, walk } from './chain.ts'
import { codeAttacks } from './code-attacks.ts'
import { messageOf } from './message.ts'
import { assertionAttacks, downgradeAttacks } from './other-attacks.ts'
import { openThief, type Thief } from './thief.ts'
import { tokenAttacks } from './token-attacks.ts'
import type { Attack, Step, Transcript } from './transcript.ts'
import { Wire } from './wire.ts'

export interface PlayOptions {
  readonly kit: DemoKit
  readonly clientId: string
  readonly admin: AdminApi
  /** Told of each as it happens. */
  readonly onStep: (step: Step) => void
  readonly onAttack: (attack: Attack) => void
  readonly onProgress: (line: string) => void
}

type AuditEntry = AuditList['records'][number]

/** The client of the demo API; it may ask about the tokens meant for it. */
const apiClientId = 'demo-api'

/** Both acts. @throws Error when the honest chain does not come to its end: then there is nothing to steal */
export async function play(options: PlayOptions): Promise<Transcript> {
  const { kit, clientId, admin, onStep, onAttack, onProgress } = options
  const catalogue = await readCatalogue()
  const client = await actorFor(kit, clientId)
  const api = await actorFor(kit, apiClientId)
  const browserWire = new Wire({ caPem: readFileSync(kit.caFile, 'utf8'), certificate: undefined })
  const thief = await openThief(kit, client)
  const cast: Cast = {
    ...{ kit, client, api },
    browser: new Browser(browserWire),
    visits: () => browserWire.take(),
    record: async reference => lineOfRecord(await recordOf(admin, reference)),
  }
  try {
    onProgress('act 1: walking the chain')
    const walked = await walk(cast)
    for (const step of walked.steps) onStep(step)
    const attacks: Attack[] = []
    onProgress('act 2: trying everything a thief would')
    for await (const attempt of attempts(cast, walked, thief)) {
      const attack = await attackOf(attempt, admin, catalogue)
      attacks.push(attack)
      onAttack(attack)
    }
    return {
      issuer: kit.issuer,
      client: clientId,
      binding: client.listed.says,
      steps: walked.steps,
      attacks,
      differences: attacks.flatMap(differencesOf),
    }
  } finally {
    const wires = [client.wire, api.wire, browserWire, thief.wire, thief.actor.wire]
    await Promise.all(wires.map(wire => wire.close()))
  }
}

async function* attempts(cast: Cast, walked: Walked, thief: Thief): AsyncGenerator<Attempt> {
  yield* tokenAttacks(cast, walked, thief)
  // A code lives a minute: it is fetched when its turn has come.
  yield* codeAttacks(cast, await obtainCode(cast), thief)
  yield* assertionAttacks(cast, walked, thief)
  yield* downgradeAttacks(cast, thief)
}

async function attackOf(
  attempt: Attempt,
  admin: AdminApi,
  { clauses: known, rules }: Catalogue,
): Promise<Attack> {
  const { id, act, title, expected, run, aftermath } = attempt
  const exchange = await run()
  const reference = referenceOf(exchange)
  const record = await recordOf(admin, reference)
  const { ruleId = '(none)', clauses = [], reason = '' } = record
  const { event, outcome, chain, sequence, hash } = record
  const seen = { status: exchange.status, error: errorOf(exchange), ruleId }
  const followed = (await aftermath?.()) ?? []
  return {
    ...{ id, act, title, expected, reference, reason, ...seen },
    message: messageOf(exchange),
    ruleTitle: rules.find(rule => rule.id === ruleId)?.title ?? '',
    clauses: clauses.map(clause => ({
      id: clause,
      says: known.find(candidate => candidate.id === clause)?.says ?? '',
    })),
    record: { event, outcome, chain, sequence, hash },
    aftermath: followed,
    asExpected:
      seen.status === expected.status &&
      seen.error === expected.error &&
      seen.ruleId === expected.ruleId &&
      followed.every(({ expected: wanted, seen: found }) => wanted === found),
  }
}

/** The record of a refusal. @throws Error when there is none: an answer without evidence is a failure of its own */
async function recordOf(admin: AdminApi, reference: string): Promise<AuditEntry> {
  const answer = await admin.audit(reference)
  if (!answer.ok) throw new Error(answer.problem.detail ?? answer.problem.title)
  const record = answer.value.records.at(-1)
  if (record === undefined) throw new Error(`there is no audit record of reference ${reference}`)
  return record
}

function lineOfRecord({ event, outcome, chain, sequence, hash, clientId }: AuditEntry): string {
  const who = clientId === undefined ? '' : ` for ${clientId}`
  return `${event} ${outcome}${who}: audit record ${sequence} in ${chain}, ${hash.slice(0, 8)}…`
}

function differencesOf({
  id,
  asExpected,
  expected,
  status,
  error,
  ruleId,
  aftermath,
}: Attack): readonly string[] {
  if (asExpected) return []
  const text = (seen: { status: number; error: string; ruleId: string }): string =>
    `${seen.status} ${seen.error} by ${seen.ruleId}`
  const [wanted, seen] = [text(expected), text({ status, error, ruleId })]
  return [
    ...(wanted === seen ? [] : [`${id}: expected ${wanted}, seen ${seen}`]),
    ...aftermath
      .filter(each => each.expected !== each.seen)
      .map(each => `${id}, ${each.says}: expected ${each.expected}, seen ${each.seen}`),
  ]
}
