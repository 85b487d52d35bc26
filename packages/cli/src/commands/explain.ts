import type { Standing } from '@holdfast/protocol'
import type { AuditList } from '@holdfast/server/control/admin-api.ts'
import {
  type Catalogue,
  type KnownClause,
  type KnownRefusal,
  type KnownRule,
  readCatalogue,
} from '../catalogue.ts'
import {
  type AddCommand,
  configOption,
  type Desk,
  json,
  outputOption,
  reportProblem,
  withAdmin,
} from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { columns } from '../terminal.ts'

interface ExplainOptions {
  readonly client?: string
  readonly issuer?: string
  readonly scope?: readonly string[]
  readonly resource?: readonly string[]
  readonly authorizationDetails?: readonly string[]
  readonly config?: string
  readonly output: string
}

type AuditEntry = AuditList['records'][number]

/** Reference ids are time, then 128 random bits in base64url; transaction ids are no shorter. */
const referenceId = /^[A-Za-z0-9_-]{22,128}$/

export const addExplain: AddCommand = (program, desk) => {
  program
    .command('explain')
    .argument('[what]', 'a clause such as RFC9449-4.3, a rule such as pkce.required, or a reference id')
    .description('say what a clause or rule demands, or what happened under a reference id')
    .option(
      '--client <id>',
      'the profile that applies to a request of this client, and who decided each field',
    )
    .option('--issuer <name>', 'with --client: name or URL, when several issuers know the client')
    .option('--scope <scopes...>', 'with --client: a request for these scopes')
    .option(
      '--resource <names...>',
      'with --client: a request for these resource servers, by name or identifier',
    )
    .option('--authorization-details <types...>', 'with --client: a request with details of these types')
    .option(...configOption)
    .option(...outputOption)
    .action(async (what: string | undefined, options: ExplainOptions) => {
      if (options.client !== undefined) return await explainClient(desk, options.client, options)
      if (what !== undefined) return await explainWhat(desk, what, options)
      desk.terminal.err('name a clause, a rule, a reference id or a client')
      desk.leave(exitCodes.usage)
    })
}

async function explainClient(
  desk: Desk,
  clientId: string,
  { issuer, config, output, ...asked }: ExplainOptions,
): Promise<void> {
  await withAdmin(desk, config, async ({ api }) => {
    const answer = await api.explainClient(clientId, {
      issuer,
      scopes: asked.scope,
      resources: asked.resource,
      details: asked.authorizationDetails,
    })
    if (!answer.ok) return reportProblem(desk, answer)
    const { fields } = answer.value
    if (output === 'json') desk.terminal.out(json(answer.value))
    else {
      desk.terminal.out(desk.terminal.strong(`${answer.value.clientId} at ${answer.value.issuer}`))
      for (const line of columns(
        fields.map(({ field, value, origins }) => [field, value, origins.join(', ')]),
      ))
        desk.terminal.out(line)
    }
    return exitCodes.done
  })
}

async function explainWhat(desk: Desk, what: string, { config, output }: ExplainOptions): Promise<void> {
  const { terminal, leave } = desk
  const catalogue = await readCatalogue()
  // A section stands for its clauses: RFC9449-4.3 for RFC9449-4.3-1 and the rest.
  const isAsked = (id: string): boolean => id === what || id.startsWith(`${what}-`)
  const clauses = catalogue.clauses.filter(({ id }) => isAsked(id))
  const rules = catalogue.rules.filter(({ id, clauses: stands }) => id === what || stands.some(isAsked))
  const refusals = catalogue.refusals.filter(({ id, clauses: stands }) => id === what || stands.some(isAsked))
  if (clauses.length + rules.length + refusals.length > 0) {
    if (output === 'json') terminal.out(json({ clauses, rules, refusals }))
    else {
      for (const clause of clauses) writeClause(desk, clause)
      for (const rule of rules) writeRule(desk, rule, catalogue)
      for (const refusal of refusals) writeRefusal(desk, refusal, catalogue)
    }
    return leave(exitCodes.done)
  }
  if (!referenceId.test(what)) {
    terminal.err(`\`${what}\` is no clause, rule or reference id that is known here`)
    for (const id of similar(what, catalogue)) terminal.err(`  ${id}`)
    return leave(exitCodes.no)
  }
  await withAdmin(desk, config, async ({ api }) => {
    const answer = await api.audit(what)
    if (!answer.ok) return reportProblem(desk, answer)
    const { records } = answer.value
    if (output === 'json') terminal.out(json(answer.value))
    else for (const record of records) writeRecord(desk, record, catalogue)
    if (records.length > 0) return exitCodes.done
    terminal.err(`there is no audit record with reference or transaction id \`${what}\``)
    return exitCodes.no
  })
}

function writeClause(
  { terminal }: Desk,
  { id, level, says, standing, document, url, rows = [] }: KnownClause,
): void {
  terminal.out(`${terminal.strong(id)}  ${level}`)
  terminal.out(`  ${says}`)
  terminal.out(terminal.faint(`  ${document}, ${url}`))
  terminal.out(`  standing: ${textOfStanding(standing)}`)
  if (rows.length > 0) terminal.out(`  checklist: ${rows.join(', ')}`)
}

function textOfStanding(standing: Standing): string {
  switch (standing.kind) {
    case 'ruled':
      return 'a rule refuses what breaks it'
    case 'shown':
      return `observed by the test "${standing.test}"`
    case 'otherParty':
      return `binds the ${standing.party}`
    case 'notApplicable':
      return `not applicable: ${standing.reason}`
    default:
      return JSON.stringify(standing)
  }
}

function writeRefusal(
  { terminal }: Desk,
  { id, error, clauses, file }: KnownRefusal,
  { clauses: known }: Catalogue,
): void {
  terminal.out(`${terminal.strong(id)}  \`${error}\``)
  terminal.out('  refused by a parser or by a guard that lost its race: there is no rule to judge')
  writeStands(terminal, clauses, known)
  terminal.out(terminal.faint(`  ${file}`))
}

function writeStands(
  terminal: Desk['terminal'],
  clauses: readonly string[],
  known: Catalogue['clauses'],
): void {
  for (const clause of clauses) {
    const says = known.find(candidate => candidate.id === clause)?.says
    terminal.out(`  ${clause}${says === undefined ? '' : `: ${says}`}`)
  }
}

function writeRule(
  { terminal }: Desk,
  { id, level, title, clauses, file, tests }: KnownRule,
  { clauses: known }: Catalogue,
): void {
  terminal.out(`${terminal.strong(id)}  ${level}`)
  terminal.out(`  ${title}`)
  writeStands(terminal, clauses, known)
  terminal.out(terminal.faint(`  protocol/${file}${tests.map(test => `, tried in ${test}`).join('')}`))
}

function writeRecord({ terminal }: Desk, record: AuditEntry, { clauses: known, rules }: Catalogue): void {
  const { at, event, outcome, clientId, subject, ruleId, clauses = [], error, reason, txn, facts } = record
  terminal.out(`${terminal.strong(event)}  ${outcome}  ${new Date(at * 1000).toISOString()}`)
  if (ruleId !== undefined) {
    const title = rules.find(({ id }) => id === ruleId)?.title
    terminal.out(`  rule ${ruleId}${title === undefined ? '' : `: ${title}`}`)
  }
  for (const clause of clauses) {
    const says = known.find(candidate => candidate.id === clause)?.says
    terminal.out(`  clause ${clause}${says === undefined ? '' : `: ${says}`}`)
  }
  const details: readonly (readonly [string, string | undefined])[] = [
    ['error', error],
    ['reason', reason],
    ['client', clientId],
    ['subject', subject],
    ['transaction', txn],
  ]
  for (const [name, value] of details) if (value !== undefined) terminal.out(`  ${name} ${value}`)
  for (const [name, value] of Object.entries(facts))
    terminal.out(terminal.faint(`  ${name}=${String(value)}`))
  terminal.out(terminal.faint(`  record ${record.sequence} of chain ${record.chain}`))
}

/** Ids that hold what was typed: someone who knows the document finds its clauses. */
function similar(what: string, { clauses, rules }: Catalogue): readonly string[] {
  const typed = what.toLowerCase()
  return [...clauses, ...rules]
    .map(({ id }) => id)
    .filter(id => id.toLowerCase().includes(typed))
    .slice(0, 20)
}
