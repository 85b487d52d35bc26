import { readFileSync } from 'node:fs'
import type { AdminApi, Answer, Drift, ScopeReport } from '@holdfast/server/control/admin-api.ts'
import { type CalledScope, calledScopes, operationsIn } from '../called-operations.ts'
import {
  type AddCommand,
  configOption,
  type Desk,
  issuerOption,
  json,
  outputOption,
  reportProblem,
  type ServerOptions,
  withAdmin,
} from '../command.ts'
import { everyDocument } from '../every-page.ts'
import { exitCodes } from '../exit-codes.ts'
import { columns, type Terminal, timeOf } from '../terminal.ts'
import { listOf, wholeNumber } from '../values.ts'

interface ReportOptions extends ServerOptions {
  readonly only: string
  readonly client?: string
  readonly resourceServer?: string
  readonly days: string
  readonly operationsMax: string
  readonly against?: string
  readonly againstExport?: string
  readonly gateway?: string
  readonly calls?: readonly string[]
}

/** What the server tells, and what only files of gateways and APIs say. */
type Report = ScopeReport & { readonly calls: readonly CalledScope[] | undefined }

const parts = ['access', 'unused', 'broad', 'calls', 'environments', 'gateway'] as const
type Part = (typeof parts)[number]

const daysMax = 3660
const operationsMaxMax = 2000

/** `holdfast govern report`: for people who review, and for a pipeline that stops when something does not fit. */
export const addGovernReport: AddCommand = (govern, desk) => {
  govern
    .command('report')
    .description(
      'who can do what, what nobody uses, what lets into too much, and what differs; any finding is a no',
    )
    .option('--only <parts>', `of ${parts.join(', ')}, separated by commas`, parts.join(','))
    .option('--client <id>', 'only of this client')
    .option('--resource-server <name>', 'only of this API')
    .option('--days <days>', `rights without a token for so long are unused, at most ${daysMax}`, '90')
    .option('--operations-max <number>', 'a scope that lets into more operations is broad', '20')
    .option('--against <issuer>', 'compare with this issuer of this server, or of the exported file')
    .option('--against-export <file>', 'compare with what `holdfast export` wrote in another environment')
    .option('--gateway <file>', 'compare with the routes of this gateway.yaml')
    .option('--calls <file...>', 'audit files of gateways and APIs: which operations of a scope were called')
    .option(...issuerOption)
    .option(...configOption)
    .option(...outputOption)
    .action((options: ReportOptions) => report(desk, options))
}

async function report(desk: Desk, options: ReportOptions): Promise<void> {
  const { terminal, leave } = desk
  const asked = listOf(options.only)
  const unusedDays = wholeNumber(options.days, daysMax)
  const operationsMax = wholeNumber(options.operationsMax, operationsMaxMax)
  const unknown = asked.find(one => !parts.some(part => part === one))
  if (unknown !== undefined || asked.length === 0) {
    terminal.err(`\`--only\` knows ${parts.join(', ')}`)
    return leave(exitCodes.usage)
  }
  if (unusedDays === undefined || operationsMax === undefined) {
    terminal.err('`--days` and `--operations-max` are whole numbers within their bounds')
    return leave(exitCodes.usage)
  }
  const { issuer, client, resourceServer, against, againstExport, gateway } = options
  let texts: { readonly documents: string | undefined; readonly gateway: string | undefined }
  try {
    texts = { documents: textOf(againstExport), gateway: textOf(gateway) }
  } catch (cause) {
    terminal.err(cause instanceof Error ? cause.message : String(cause))
    return leave(exitCodes.broken)
  }
  await withAdmin(desk, options.config, async ({ api }) => {
    const answer = await api.reportScopes({
      ...{ issuer, client, resourceServer, against, operationsMax },
      ...(asked.includes('unused') && { unusedDays }),
      ...(texts.documents !== undefined && {
        documents: { path: againstExport ?? '', text: texts.documents },
      }),
      ...(texts.gateway !== undefined && { gateway: texts.gateway }),
    })
    if (!answer.ok) return reportProblem(desk, answer)
    const calls = await callsOf(api, answer.value, options)
    if (calls !== undefined && !calls.ok) return reportProblem(desk, calls)
    const found: Report = { ...answer.value, calls: calls?.value }
    const shown = parts.filter(part => asked.includes(part) && found[part] !== undefined)
    if (options.output === 'json') terminal.out(json(chosen(found, shown)))
    else for (const part of shown) tell(terminal, part, found, unusedDays)
    return shown.some(part => hasFinding(part, found)) ? exitCodes.no : exitCodes.done
  })
}

async function callsOf(
  api: AdminApi,
  { issuer }: ScopeReport,
  { calls, resourceServer }: ReportOptions,
): Promise<Answer<readonly CalledScope[]> | undefined> {
  if (calls === undefined) return undefined
  const answer = await everyDocument(api)
  if (!answer.ok) return answer
  const operations = operationsIn(answer.value.documents, issuer)
  const asked = operations.filter(one => resourceServer === undefined || one.api === resourceServer)
  return { ok: true, value: await calledScopes(calls, asked) }
}

function textOf(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readFileSync(file, 'utf8')
}

/** What a pipeline stops for: an API that nobody described is one of it, who can do what is none. */
function hasFinding(part: Part, { uncatalogued, isAuditLongEnough, ...report }: Report): boolean {
  if (part === 'access') return uncatalogued.length > 0
  if (part === 'unused') return isAuditLongEnough && (report.unused ?? []).length > 0
  if (part === 'broad') return report.broad.length > 0
  if (part === 'calls') return report.calls?.some(isHardlyCalled) === true
  return report[part]?.some(({ isNote }) => isNote !== true) === true
}

/** A scope of which more than half was never called lets into more than anybody needs. */
function isHardlyCalled({ operations, called }: CalledScope): boolean {
  return called * 2 < operations
}

const companions: Readonly<Record<Part, readonly (keyof ScopeReport)[]>> = {
  access: ['accessUntold', 'uncatalogued'],
  unused: ['auditFrom', 'isAuditLongEnough'],
  broad: [],
  calls: [],
  environments: [],
  gateway: [],
}

function chosen(report: Report, shown: readonly Part[]): Partial<Report> {
  const members = new Set<string>([
    'issuer',
    'environment',
    ...shown.flatMap(part => [part, ...companions[part]]),
  ])
  return Object.fromEntries(Object.entries(report).filter(([member]) => members.has(member)))
}

function tell(terminal: Terminal, part: Part, report: Report, unusedDays: number): void {
  const table = (title: string, rows: readonly (readonly string[])[], heads: readonly string[]): void => {
    terminal.out(terminal.strong(`${title}: ${rows.length === 0 ? 'nothing' : rows.length}`))
    if (rows.length > 0) for (const line of columns([heads, ...rows])) terminal.out(`  ${line}`)
  }
  switch (part) {
    case 'access':
      table(
        `who can do what in ${report.environment} at ${report.issuer}`,
        report.access.map(row => [
          ...[row.client, row.api, row.operation, `${row.method} ${row.path}`, String(row.tier)],
          ...[row.dataTypes.join(' ') || '-', row.by.map(way => way.join('+')).join(' or ')],
          row.grant === undefined ? 'registration' : `${row.grant} until ${timeOf(row.until)}`,
        ]),
        ['CLIENT', 'API', 'OPERATION', 'REQUEST', 'TIER', 'DATA', 'BY', 'GRANT'],
      )
      if (report.accessUntold > 0) terminal.out(`  and ${report.accessUntold} more: name a client or an API`)
      for (const { api, clients } of report.uncatalogued)
        terminal.out(`  nobody says what the operations of ${api} are: ${clients.join(', ')}`)
      return
    case 'unused':
      table(
        `not used for ${unusedDays} days`,
        (report.unused ?? []).map(row => [
          row.client,
          row.api,
          row.right,
          timeOf(row.lastUsedAt),
          row.grant ?? '-',
        ]),
        ['CLIENT', 'API', 'RIGHT', 'LAST TOKEN', 'GRANT'],
      )
      if (!report.isAuditLongEnough)
        terminal.out(`  no finding: the audit begins ${timeOf(report.auditFrom)}, which is too short to tell`)
      return
    case 'broad':
      table(
        'lets into too much',
        report.broad.map(row => [
          ...[row.api, row.scope, row.reasons.join(' '), String(row.operations), row.tiers.join(' ')],
          ...[row.dataTypes.join(' ') || '-', String(row.clients)],
        ]),
        ['API', 'SCOPE', 'WHY', 'OPERATIONS', 'TIERS', 'DATA', 'CLIENTS'],
      )
      return
    case 'calls':
      table(
        'scopes and what of them was called',
        (report.calls ?? []).map(row => [
          ...[row.api, row.scope, `${row.called} of ${row.operations}`],
          row.never.join(' ') || '-',
        ]),
        ['API', 'SCOPE', 'CALLED', 'NEVER'],
      )
      return
    case 'environments':
      table('differs from the other environment', rowsOf(report.environments), driftHeads)
      return
    case 'gateway':
      table('differs from the gateway', rowsOf(report.gateway), driftHeads)
      return
    default:
      part satisfies never
  }
}

const driftHeads = ['KIND', 'WHAT', 'HOW']

function rowsOf(drifts: readonly Drift[] = []): readonly (readonly string[])[] {
  return drifts.map(({ kind, name, message }) => [kind, name, message])
}
