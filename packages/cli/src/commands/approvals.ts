import type { ApprovalChange, ListedApproval } from '@holdfast/server/control/admin-api.ts'
import {
  type AddCommand,
  type Desk,
  json,
  personOf,
  reportProblem,
  type ServerOptions,
  withAdmin,
  withServerOptions,
} from '../command.ts'
import { everyPage } from '../every-page.ts'
import { exitCodes } from '../exit-codes.ts'
import { columns, type Terminal, timeOf } from '../terminal.ts'

const steps = [
  ['approve', 'say yes for your group to exactly this; never to what is for yourself'],
  ['deny', 'say no; also takes back an approval that was not used yet'],
] as const

interface StepOptions extends ServerOptions {
  readonly as?: string
  readonly group?: string
}

/** `holdfast approvals …`: what policies want approved before it goes on (`@require_approval`). */
export const addApprovals: AddCommand = (program, desk) => {
  const approvals = program.command('approvals').description('what waits for the approval of a group')
  withServerOptions(approvals.command('list'))
    .description('every request that waits: who asks, for whom, for what, and which groups have not answered')
    .action((options: ServerOptions) => list(desk, options))
  for (const [step, description] of steps)
    withServerOptions(approvals.command(`${step} <name>`))
      .description(description)
      .option(
        '--as <username>',
        'who answers: a member of a group that is asked. Over HTTPS the token says it',
      )
      .option('--group <name>', 'for which of their groups; the first that is missing unless said')
      .action((name: string, options: StepOptions) => change(desk, step, name, options))
}

async function list(desk: Desk, options: ServerOptions): Promise<void> {
  await withAdmin(desk, options.config, async ({ api }) => {
    const answer = await everyPage(api.listApprovals, ({ approvals }) => approvals, options.issuer)
    if (!answer.ok) return reportProblem(desk, answer)
    const approvals = answer.value
    const { terminal } = desk
    if (options.output === 'json') terminal.out(json(approvals))
    else if (approvals.length === 0) terminal.out('nothing waits for approval')
    else for (const one of approvals) write(terminal, one)
    return exitCodes.done
  })
}

function write(terminal: Terminal, approval: ListedApproval): void {
  const { name, client, user, moment, scopes, resources, details, groups, missing } = approval
  const { seconds, isReusable, askedAt, waitsUntil } = approval
  terminal.out(terminal.strong(name))
  const lines = [
    ['  client', client],
    ['  for', user ?? 'itself'],
    ['  moment', moment],
    ['  scopes', scopes.map(scope => `${scope.title} (${scope.name})`).join(', ')],
    ['  at', resources.join(' ')],
    ...details.flatMap(({ title, parts }) => [
      ['  detail', title],
      ...parts.map(({ label, values }) => [`    ${label}`, values.join(', ')]),
    ]),
    ['  groups', groups.join(' ')],
    ['  missing', missing.join(' ')],
    ['  serves', `${isReusable ? 'again and again' : 'once'}, for ${seconds} s`],
    ['  asked', `${timeOf(askedAt)}, waits until ${timeOf(waitsUntil)}`],
  ].filter(([, value]) => value !== '')
  for (const line of columns(lines as string[][])) terminal.out(line)
}

async function change(
  desk: Desk,
  step: ApprovalChange['step'],
  name: string,
  { as: named, group, issuer, config, output }: StepOptions,
): Promise<void> {
  await withAdmin(desk, config, async ({ api, via }) => {
    const as = personOf(desk, via, named)
    if (as === undefined) return exitCodes.usage
    const answer = await api.changeApproval({
      ...{ step, as, name },
      ...(group !== undefined && { group }),
      ...(issuer !== undefined && { issuer }),
    })
    if (!answer.ok) return reportProblem(desk, answer)
    const { terminal } = desk
    const { state, missing, reference } = answer.value
    if (output === 'json') terminal.out(json(answer.value))
    else {
      terminal.out(`${terminal.strong(state)}  ${name}  ${terminal.faint(`reference ${reference}`)}`)
      if (state === 'waiting') terminal.out(`these have to answer: ${missing.join(' ')}`)
    }
    return exitCodes.done
  })
}
