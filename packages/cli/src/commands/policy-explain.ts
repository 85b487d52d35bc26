import { readFile } from 'node:fs/promises'
import {
  cedarOf,
  compilePolicySet,
  compileStoredPolicies,
  type ExplainedPolicy,
  type Explanation,
  explain,
  type Parsed,
  type PolicySet,
  type Problem,
  parseQuestion,
  prepareEntities,
  questionOfRecord,
  shippedPolicies,
} from '@holdfast/policy'
import type { AuditList } from '@holdfast/server/control/admin-api.ts'
import type { Command } from 'commander'
import { configOption, type Desk, json, outputOption, reportProblem, withAdmin } from '../command.ts'
import { everyDocument } from '../every-page.ts'
import { exitCodes } from '../exit-codes.ts'
import { readPolicyFolder } from '../policy-folder.ts'
import { columns } from '../terminal.ts'

interface ExplainOptions {
  readonly policies?: string
  readonly question?: string
  readonly config?: string
  readonly output: string
}

/** `holdfast policy explain`: which policies made a decision, and why each of the others did not. */
export function addPolicyExplain(policy: Command, desk: Desk): void {
  policy
    .command('explain')
    .argument('[reference]', 'reference id of a request: every decision that was recorded under it')
    .description('say of each policy why it did, or did not, take part in a decision')
    .option('--policies <folder>', 'by these policies, instead of the version that decided')
    .option(
      '--question <file>',
      'a question of your own: `{ "entities": [ … ], "question": { … } }`, as in tests',
    )
    .option(...configOption)
    .option(...outputOption)
    .action(async (reference: string | undefined, options: ExplainOptions) => {
      const { question, policies } = options
      if (question !== undefined && policies !== undefined && reference === undefined)
        return await explainFile(desk, question, policies, options)
      if (reference !== undefined && question === undefined)
        return await explainRecorded(desk, reference, options)
      desk.terminal.err('name a reference id, or `--question` with `--policies`')
      desk.leave(exitCodes.usage)
    })
}

async function explainFile(
  desk: Desk,
  file: string,
  folder: string,
  { output }: ExplainOptions,
): Promise<void> {
  const read = await readPolicyFolder(desk, folder)
  if (read === undefined) return
  const set = read.ok ? compilePolicySet(read.value.source) : read
  if (!set.ok) return refuse(desk, set.problems)
  let asked: { readonly entities?: unknown; readonly question?: unknown }
  try {
    asked = JSON.parse(await readFile(file, 'utf8')) as typeof asked
  } catch (cause) {
    desk.terminal.err(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`)
    return desk.leave(exitCodes.broken)
  }
  const explained = explainedBy(set.value, asked.question, asked.entities ?? [])
  if (!explained.ok) return refuse(desk, explained.problems)
  if (output === 'json') desk.terminal.out(json(explained.value))
  else write(desk, explained.value)
  desk.leave(exitCodes.done)
}

async function explainRecorded(desk: Desk, reference: string, options: ExplainOptions): Promise<void> {
  const folder = options.policies
  const read = folder === undefined ? undefined : await readPolicyFolder(desk, folder)
  if (folder !== undefined && read === undefined) return
  if (read?.ok === false) return refuse(desk, read.problems)
  await withAdmin(desk, options.config, async ({ api }) => {
    const found = await api.audit(reference)
    if (!found.ok) return reportProblem(desk, found)
    const records = found.value.records.filter(record => questionOfRecord(record) !== undefined)
    if (records.length === 0) {
      desk.terminal.err(`no decision of policies is recorded under \`${reference}\``)
      return exitCodes.no
    }
    const documents = read === undefined ? await everyDocument(api) : undefined
    if (documents?.ok === false) return reportProblem(desk, documents)
    const told: object[] = []
    for (const record of records) {
      const version = String(record.facts.policies)
      const texts =
        read?.value.source.policies ?? storedTexts(version, record.issuer, documents?.value.documents ?? [])
      if (texts === undefined) {
        desk.terminal.err(
          `the version \`${version}\` that decided is not there any more: name \`--policies\``,
        )
        return exitCodes.no
      }
      const explained = explainedRecord(record, texts)
      if (!explained.ok) {
        for (const { place, message } of explained.problems) desk.terminal.err(`${place}: ${message}`)
        return exitCodes.no
      }
      const { event, clientId } = record
      told.push({ event, clientId, by: folder ?? version, recorded: record.facts, ...explained.value })
      if (options.output === 'json') continue
      desk.terminal.out(desk.terminal.strong(`${event}  ${clientId ?? ''}  by ${folder ?? version}`))
      const was = String(record.facts.decision)
      if (was !== explained.value.decision.decision) desk.terminal.out(`recorded was ${was}`)
      write(desk, explained.value)
    }
    if (options.output === 'json') desk.terminal.out(json(told))
    return exitCodes.done
  })
}

type AuditEntry = AuditList['records'][number]
type Texts = Readonly<Record<string, string>>

function explainedRecord(record: AuditEntry, texts: Texts): Parsed<Explanation> {
  const question = questionOfRecord(record)
  if (question === undefined) throw new TypeError('not a decision')
  const set = compileStoredPolicies(texts)
  if (!set.ok) return set
  const asked = cedarOf(question)
  return explainedBy(set.value, asked.question, asked.entities)
}

/** Of the version that decided; undefined when it was removed. */
function storedTexts(
  version: string,
  issuer: string,
  documents: readonly {
    readonly kind: string
    readonly name: string
    readonly issuer: string
    readonly document: object
  }[],
): Texts | undefined {
  const found = documents.find(
    one => one.kind === 'PolicySet' && one.name === version && one.issuer === issuer,
  )
  if (found === undefined) return version === 'shipped' ? shippedPolicies : undefined
  const { spec } = found.document as { readonly spec?: { readonly policies?: Texts } }
  return spec?.policies
}

function explainedBy(set: PolicySet, question: unknown, entities: unknown): Parsed<Explanation> {
  const parsed = parseQuestion(question)
  if (!parsed.ok) return parsed
  const prepared = prepareEntities(set, entities)
  return prepared.ok ? { ok: true, value: explain(set, parsed.value, prepared.value) } : prepared
}

function refuse({ terminal, leave }: Desk, problems: readonly Problem[]): void {
  for (const { place, message } of problems) terminal.err(`${place}: ${message}`)
  leave(exitCodes.no)
}

function write({ terminal }: Desk, { decision, policies }: Explanation): void {
  terminal.out(`${terminal.strong(decision.decision)}  ${terminal.faint(decision.version)}`)
  for (const { place, message } of decision.errors) terminal.out(`  ${place}: ${message}`)
  for (const line of columns(policies.map(one => [`  ${one.id}`, one.effect, sentence(one), obliges(one)])))
    terminal.out(line)
}

function sentence({ outcome, part, condition, kind, message }: ExplainedPolicy): string {
  switch (outcome) {
    case 'decides':
      return 'decides'
    case 'overridden':
      return 'holds, and others decide'
    case 'other-scope':
      return `is about another ${part}`
    case 'condition':
      return `its condition ${condition} (\`${kind}\`) does not hold`
    case 'failed':
      return `its condition ${condition} (\`${kind}\`) fails: ${message}`
    default:
      return outcome satisfies never
  }
}

const describing: ReadonlySet<string> = new Set(['id', 'title', 'description', 'owner'])

function obliges({ outcome, annotations }: ExplainedPolicy): string {
  if (outcome !== 'decides') return ''
  return Object.entries(annotations)
    .filter(([name]) => !describing.has(name))
    .map(([name, value]) => `@${name}("${value}")`)
    .join(' ')
}
