import type {
  ChangedScopeGrant,
  ListedScopeGrant,
  ScopeGrantChange,
} from '@holdfast/server/control/admin-api.ts'
import {
  type AddCommand,
  asOption,
  type Desk,
  json,
  personOf,
  reportProblem,
  type ServerOptions,
  withAdmin,
  withServerOptions,
} from '../command.ts'
import { everyGrant } from '../every-page.ts'
import { exitCodes } from '../exit-codes.ts'
import { columns, type Terminal, timeOf } from '../terminal.ts'
import { listOf, wholeNumber } from '../values.ts'

interface RequestOptions extends ServerOptions {
  readonly as?: string
  readonly client: string
  readonly resourceServer: string
  readonly scopes: string
  readonly detailTypes: string
  readonly purpose: string
  readonly days: string
  readonly reviewDays: string
}

const daysMax = 732
const reviewDaysMax = 366

const steps = [
  ['approve', 'say that the client may have exactly this; never by who asked'],
  ['activate', 'let the client have what was approved, instead of what it had at this API'],
  ['review', 'say that it is still needed'],
  ['revoke', 'end it now; tokens that exist live out their minutes'],
  ['remove', 'delete one that was revoked or expired'],
] as const

/** `holdfast govern …` on grants: scopes of an API for a client, from request to end. */
export const addScopeGrants: AddCommand = (govern, desk) => {
  withServerOptions(govern.command('request'))
    .description('ask that a client may have scopes of a governed API')
    .option(...asOption)
    .requiredOption('--client <id>', 'the client')
    .requiredOption('--resource-server <name>', 'the API')
    .requiredOption('--purpose <text>', 'what it is for, in words for those who approve')
    .option('--scopes <names>', 'separated by commas', '')
    .option('--detail-types <names>', 'types of authorization details, separated by commas', '')
    .option('--days <days>', `until it ends, at most ${daysMax}`, '365')
    .option('--review-days <days>', `between two reviews, at most ${reviewDaysMax}`, '180')
    .action((options: RequestOptions) => request(desk, options))
  for (const [step, description] of steps)
    withServerOptions(govern.command(`${step} <grant>`))
      .description(description)
      .option(...asOption)
      .option('--reason <text>', 'of a revocation')
      .action((name: string, options: ServerOptions & { as?: string; reason?: string }) =>
        change(desk, step, name, options),
      )
  withServerOptions(govern.command('list'))
    .description('every grant, its state, and whether a review is due')
    .option('--client <id>', 'only of this client')
    .action((options: ServerOptions & { client?: string }) => list(desk, options))
  withServerOptions(govern.command('show <grant>'))
    .description('what a grant is about: read it before you approve it')
    .action((name: string, options: ServerOptions) => show(desk, name, options))
}

async function request(desk: Desk, options: RequestOptions): Promise<void> {
  const days = wholeNumber(options.days, daysMax)
  const reviewDays = wholeNumber(options.reviewDays, reviewDaysMax)
  if (days === undefined || reviewDays === undefined) {
    desk.terminal.err('`--days` and `--review-days` are whole numbers within their bounds')
    return desk.leave(exitCodes.usage)
  }
  const { client, resourceServer, purpose, issuer } = options
  await withAdmin(desk, options.config, async ({ api, via }) => {
    const as = personOf(desk, via, options.as)
    if (as === undefined) return exitCodes.usage
    const answer = await api.requestScopeGrant({
      ...{ as, client, resourceServer, purpose, days, reviewDays },
      ...{ scopes: listOf(options.scopes), authorizationDetailsTypes: listOf(options.detailTypes) },
      ...(issuer !== undefined && { issuer }),
    })
    if (!answer.ok) return reportProblem(desk, answer)
    tell(desk, answer.value, options)
    return exitCodes.done
  })
}

async function change(
  desk: Desk,
  step: ScopeGrantChange['step'],
  name: string,
  options: ServerOptions & { readonly as?: string; readonly reason?: string },
): Promise<void> {
  const { issuer, reason } = options
  await withAdmin(desk, options.config, async ({ api, via }) => {
    const as = personOf(desk, via, options.as)
    if (as === undefined) return exitCodes.usage
    const answer = await api.changeScopeGrant({
      ...{ step, as, name },
      ...(issuer !== undefined && { issuer }),
      ...(reason !== undefined && { reason }),
    })
    if (!answer.ok) return reportProblem(desk, answer)
    if (step === 'remove' && options.output !== 'json') desk.terminal.out(`removed  ${name}`)
    else tell(desk, answer.value, options)
    return exitCodes.done
  })
}

function tell({ terminal }: Desk, changed: ChangedScopeGrant, { output }: ServerOptions): void {
  const { name, state, approvalsMissing, reference } = changed
  if (output === 'json') terminal.out(json(changed))
  else terminal.out(`${terminal.strong(state)}  ${name}  ${terminal.faint(`reference ${reference}`)}`)
  if (state === 'requested' && output !== 'json')
    terminal.out(approvalsMissing === 1 ? 'one more person has to approve' : 'two persons have to approve')
}

async function list(desk: Desk, options: ServerOptions & { readonly client?: string }): Promise<void> {
  await withAdmin(desk, options.config, async ({ api }) => {
    const answer = await everyGrant(api, options.issuer)
    if (!answer.ok) return reportProblem(desk, answer)
    const { client } = options
    const grants = answer.value.filter(({ content }) => client === undefined || content.client === client)
    if (options.output === 'json') desk.terminal.out(json(grants))
    else for (const line of columns([titles, ...grants.map(rowOf)])) desk.terminal.out(line)
    return exitCodes.done
  })
}

const titles = ['GRANT', 'STATE', 'CLIENT', 'API', 'TIER', 'UNTIL', 'SCOPES']

function rowOf({ name, state, content, isReviewDue = false }: ListedScopeGrant): readonly string[] {
  const { client, resourceServer, tier, expiresAt, scopes, authorizationDetailsTypes } = content
  return [
    ...[name, isReviewDue ? `${state}, review due` : state, client, resourceServer, String(tier)],
    ...[timeOf(expiresAt), [...scopes, ...authorizationDetailsTypes].join(' ')],
  ]
}

async function show(desk: Desk, name: string, options: ServerOptions): Promise<void> {
  await withAdmin(desk, options.config, async ({ api }) => {
    const answer = await everyGrant(api, options.issuer)
    if (!answer.ok) return reportProblem(desk, answer)
    const grant = answer.value.find(one => one.name === name)
    if (grant === undefined) {
      desk.terminal.err(`there is no grant \`${name}\``)
      return exitCodes.no
    }
    if (options.output === 'json') desk.terminal.out(json(grant))
    else write(desk.terminal, grant)
    return exitCodes.done
  })
}

function write(
  terminal: Terminal,
  { name, state, content, approvedBy, reviewDueAt }: ListedScopeGrant,
): void {
  const { client, resourceServer, scopes, authorizationDetailsTypes, operations, ...asked } = content
  const lines = [
    ['grant', name],
    ['state', state],
    ['client', client],
    ['API', resourceServer],
    ['scopes', scopes.join(' ')],
    ['details', authorizationDetailsTypes.join(' ')],
    ['purpose', asked.purpose],
    ['asked by', `${asked.requestedBy}, ${timeOf(asked.requestedAt)}`],
    ['approved by', approvedBy.join(', ')],
    ['until', timeOf(asked.expiresAt)],
    ['review', reviewDueAt === undefined ? '' : timeOf(reviewDueAt)],
    ['tier', String(asked.tier)],
  ].filter(([, value]) => value !== '')
  for (const line of columns(lines as string[][])) terminal.out(line)
  terminal.out('lets into')
  for (const line of columns(
    operations.map(one => [`  ${one.id}`, one.method, one.path, `tier ${one.tier}`]),
  ))
    terminal.out(line)
}
