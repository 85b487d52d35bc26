import type { ClientFlag, ListedOnboarding, PageRequest } from '@holdfast/server/control/admin-api.ts'
import type { Command } from 'commander'
import {
  type Desk,
  json,
  reportProblem,
  type ServerOptions,
  withAdmin,
  withServerOptions,
} from '../command.ts'
import { everyOnboarding, everyPage } from '../every-page.ts'
import { exitCodes } from '../exit-codes.ts'
import { columns, type Terminal, timeOf } from '../terminal.ts'
import { wholeNumber } from '../values.ts'

const daysMax = 3650

type DaysOptions = ServerOptions & { readonly days: string; readonly client?: string }

/** `holdfast onboard list|show|due|flags`: what there is, and what somebody has to do. */
export function addOnboardReports(onboard: Command, desk: Desk): void {
  withServerOptions(onboard.command('list'))
    .description('every record and its state')
    .option('--client <id>', 'only of this client')
    .action((options: ServerOptions & { client?: string }) => list(desk, options))
  withServerOptions(onboard.command('show <record>'))
    .description('what a record says: read it before you approve it')
    .action((name: string, options: ServerOptions) => show(desk, name, options))
  withServerOptions(onboard.command('due'))
    .description(
      'what ends or waits for somebody: records, certifications, reviews, keys, certificates, secrets',
    )
    .option('--days <days>', 'within this time', '30')
    .action((options: DaysOptions) => due(desk, options))
  withServerOptions(onboard.command('flags'))
    .description('what the audit holds against clients, counted, with the reason')
    .option('--days <days>', 'how far back', '7')
    .option('--client <id>', 'only of this client')
    .action((options: DaysOptions) => flags(desk, options))
}

async function list(desk: Desk, options: ServerOptions & { readonly client?: string }): Promise<void> {
  await withAdmin(desk, options.config, async ({ api }) => {
    const answer = await everyOnboarding(api, options.issuer)
    if (!answer.ok) return reportProblem(desk, answer)
    const { client } = options
    const found = answer.value.filter(one => client === undefined || one.client === client)
    if (options.output === 'json') desk.terminal.out(json(found))
    else for (const line of columns([titles, ...found.map(rowOf)])) desk.terminal.out(line)
    return exitCodes.done
  })
}

const titles = ['RECORD', 'STATE', 'CLIENT', 'TIER', 'UNTIL', 'OWNER', 'REMARKS']

function rowOf({ name, state, client, content, endsAt, moved }: ListedOnboarding): readonly string[] {
  const remark = moved.length === 0 ? '' : `registered otherwise: ${moved.join(', ')}`
  return [name, state, client, String(content.riskTier), timeOf(endsAt), content.securityOwner.email, remark]
}

async function show(desk: Desk, name: string, options: ServerOptions): Promise<void> {
  await withAdmin(desk, options.config, async ({ api }) => {
    const answer = await everyOnboarding(api, options.issuer)
    if (!answer.ok) return reportProblem(desk, answer)
    const found = answer.value.filter(one => one.name === name || one.client === name)
    if (found.length === 0) {
      desk.terminal.err(`there is no record \`${name}\``)
      return exitCodes.no
    }
    if (options.output === 'json') desk.terminal.out(json(found.length === 1 ? found[0] : found))
    else for (const one of found) write(desk.terminal, one)
    return exitCodes.done
  })
}

/** Everything that is approved, in the words of the record. */
function write(terminal: Terminal, listed: ListedOnboarding): void {
  const { content, check, keys } = listed
  const { legalEntity, evidence, registration, securityOwner, incidentContact, rotation } = content
  const contact = (of: typeof securityOwner): string =>
    `${of.name} <${of.email}>${of.phone === undefined ? '' : `, ${of.phone}`}`
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['record', listed.name],
    ['state', listed.state],
    ['client', listed.client],
    ['environment', content.environment],
    ['legal entity', `${legalEntity.name}, ${legalEntity.registrationNumber}, ${legalEntity.jurisdiction}`],
    ['LEI', legalEntity.lei],
    ['purpose', content.purpose],
    ...evidence.map(({ title, reference }): [string, string] => ['evidence', `${title}: ${reference}`]),
    ['statement', content.softwareStatement && 'a software statement'],
    ['certificates', content.certificates.length === 0 ? undefined : String(content.certificates.length)],
    ['risk tier', String(content.riskTier)],
    ['security owner', contact(securityOwner)],
    ['incidents', contact(incidentContact)],
    ['rotation', `keys of ${rotation.keyDays} days at most, ${rotation.overlapDays} days of overlap`],
    ['certification', content.certification?.against],
    ['drafted by', `${content.requestedBy}, ${timeOf(content.requestedAt)}`],
    ['approved by', listed.approvedBy.join(', ')],
    ['certified by', listed.certifiedBy],
    ['until', timeOf(listed.endsAt)],
    ['review', listed.reviewDueAt === undefined ? undefined : timeOf(listed.reviewDueAt)],
    ['checked', check && `${check.passed ? 'passed' : 'failed'}, ${timeOf(check.at)}`],
    ['suspended', listed.suspended && `${listed.suspended.by}: ${listed.suspended.reason}`],
    ['retired', listed.retired && `${listed.retired.by}: ${listed.retired.reason}`],
    ['proposed key', listed.proposedKey && `${listed.proposedKey.thumbprint} by ${listed.proposedKey.by}`],
    ['registered otherwise', listed.moved.length === 0 ? undefined : listed.moved.join(', ')],
  ]
  const told = lines.filter(([, value]) => value !== undefined && value !== '') as [string, string][]
  for (const line of columns(told)) terminal.out(line)
  terminal.out('registered as')
  const { metadata, keys: _keys, ...own } = registration
  const members = [...Object.entries(own), ...Object.entries(metadata)].filter(([, value]) => !isEmpty(value))
  for (const line of columns(members.map(([member, value]) => [`  ${member}`, textOf(value)])))
    terminal.out(line)
  for (const { thumbprint, kid = '-', until } of keys)
    terminal.out(`  key ${thumbprint}  kid ${kid}${until === undefined ? '' : `  until ${timeOf(until)}`}`)
  for (const { level, rule, field, reason } of check?.findings ?? [])
    terminal.out(`${level}  ${field}: ${reason} [${rule}]`)
}

function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0)
}

function textOf(value: unknown): string {
  if (Array.isArray(value) && value.every(one => typeof one === 'string')) return value.join(' ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

async function due(desk: Desk, options: DaysOptions): Promise<void> {
  const days = wholeNumber(options.days, daysMax)
  if (days === undefined) return misused(desk)
  const { issuer } = options
  await withAdmin(desk, options.config, async ({ api }) => {
    const read = (asked: PageRequest) => api.dueOnboardings({ ...asked, days })
    const answer = await everyPage(read, page => page.due, issuer)
    if (!answer.ok) return reportProblem(desk, answer)
    // Pages are about one issuer after the other.
    const items = answer.value.toSorted((left, right) => left.at - right.at)
    if (options.output === 'json') desk.terminal.out(json(items))
    else {
      const rows = items.map(({ at, client, what, detail, todo }) => [timeOf(at), client, what, detail, todo])
      for (const line of columns([['WHEN', 'CLIENT', 'WHAT', '', 'TO DO'], ...rows])) desk.terminal.out(line)
    }
    return items.length === 0 ? exitCodes.done : exitCodes.no
  })
}

async function flags(desk: Desk, options: DaysOptions): Promise<void> {
  const days = wholeNumber(options.days, daysMax)
  if (days === undefined) return misused(desk)
  const { issuer, client } = options
  await withAdmin(desk, options.config, async ({ api }) => {
    const answer = await api.onboardingFlags({
      ...{ days, ...(issuer !== undefined && { issuer }), ...(client !== undefined && { client }) },
    })
    if (!answer.ok) return reportProblem(desk, answer)
    const { clients, untold } = answer.value
    if (options.output === 'json') desk.terminal.out(json(answer.value))
    else {
      const row = (name: string, { flag, count, lastAt, reference, reason }: ClientFlag) => [
        ...[name, flag, String(count), timeOf(lastAt), reference, reason],
      ]
      const rows = clients.flatMap(one => one.flags.map(flag => row(one.client, flag)))
      const head = ['CLIENT', 'FLAG', 'COUNT', 'LAST', 'REFERENCE', 'REASON']
      for (const line of columns([head, ...rows])) desk.terminal.out(line)
      if (untold > 0) desk.terminal.err(`and ${untold} more clients`)
    }
    return clients.length === 0 ? exitCodes.done : exitCodes.no
  })
}

function misused({ terminal, leave }: Desk): void {
  terminal.err(`\`--days\` is a whole number from 1 to ${daysMax}`)
  leave(exitCodes.usage)
}
