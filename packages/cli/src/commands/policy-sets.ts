import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { shippedPolicies, shippedTests, tokenSchema } from '@holdfast/policy'
import type { PolicyChange, SimulatedChange } from '@holdfast/server/control/admin-api.ts'
import {
  type AddCommand,
  type Desk,
  json,
  reportProblem,
  type ServerOptions,
  withAdmin,
  withServerOptions,
} from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { type PolicyFolder, readPolicyFolder } from '../policy-folder.ts'
import { refreshPolicies, schemaProblems } from '../refresh-policies.ts'

/** `holdfast policy …` against a server: from a folder to the policies that decide. */
export const addPolicySets: AddCommand = (policy, desk) => {
  policy
    .command('init')
    .argument('<folder>', 'is made; nothing in it is overwritten')
    .description('write the schema, the shipped policies and their tests: where your own begin')
    .option(
      '--refresh',
      'write the schema of this version into a folder there is, and what was shipped and never edited',
    )
    .action((folder: string, options: { refresh?: boolean }) =>
      options.refresh === true ? refresh(desk, folder) : init(desk, folder),
    )
  withServerOptions(policy.command('submit'))
    .argument('<folder>', 'policies for the questions of the server, with tests')
    .description('store a new version; it is checked when it compiles and its tests pass')
    .option('--set <name>', 'what its versions are called', 'tokens')
    .action((folder: string, options: ServerOptions & { set: string }) => submit(desk, folder, options))
  withServerOptions(policy.command('list'))
    .description('show every version and its state')
    .action((options: ServerOptions) => list(desk, options))
  withServerOptions(policy.command('simulate'))
    .argument('<folder>', 'as for submit')
    .description('ask a draft what the audit holds decisions of; no difference is a yes')
    .option('--days <days>', `how far back, at most ${daysMax}`, '30')
    .action((folder: string, options: ServerOptions & { days: string }) => simulate(desk, folder, options))
  for (const [step, description] of named)
    withServerOptions(policy.command(step))
      .argument('<version>', 'its name, or as much of it as means one')
      .description(description)
      .action((name: string, options: ServerOptions) =>
        change(desk, { step, name, ...issuerOf(options) }, options),
      )
  for (const [step, description] of unnamed)
    withServerOptions(policy.command(step))
      .description(description)
      .action((options: ServerOptions) => change(desk, { step, ...issuerOf(options) }, options))
}

const daysMax = 3650

const named = [
  ['approve', 'say that a checked version may become active: exactly this content'],
  ['activate', 'decide by an approved version from now on'],
  ['shadow', 'ask a checked version beside the active one and record where it differs'],
  ['remove', 'delete a version that nothing needs'],
] as const

const unnamed = [
  ['rollback', 'decide by what was active before, at once'],
  ['unshadow', 'ask nothing beside the active version'],
] as const

async function init({ terminal, leave }: Desk, folder: string): Promise<void> {
  const files = { [tokenSchema.name]: tokenSchema.text, ...shippedPolicies, ...shippedTests }
  try {
    await mkdir(folder, { recursive: true })
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(folder, name), text, { flag: 'wx' })
      terminal.out(`wrote ${join(folder, name)}`)
    }
    leave(exitCodes.done)
  } catch (cause) {
    terminal.err(cause instanceof Error ? cause.message : String(cause))
    leave(exitCodes.broken)
  }
}

async function refresh({ terminal, leave }: Desk, folder: string): Promise<void> {
  try {
    const answer = await refreshPolicies(folder)
    if (!answer.ok) {
      for (const { place, message } of answer.problems) terminal.err(`${place}: ${message}`)
      return leave(exitCodes.no)
    }
    const { written, kept, absent } = answer.value
    for (const path of written) terminal.out(`wrote ${path}`)
    if (written.length === 0) terminal.out('nothing to write: it is of this version')
    for (const path of kept) terminal.err(`kept ${path}: it is not as it was shipped`)
    for (const id of absent) terminal.err(`no policy here is \`${id}\`: what it permits, one of yours has to`)
    leave(exitCodes.done)
  } catch (cause) {
    terminal.err(cause instanceof Error ? cause.message : String(cause))
    leave(exitCodes.broken)
  }
}

/** A folder of policies for the server; undefined when it is none, which has been told. */
async function readOwn(desk: Desk, folder: string): Promise<PolicyFolder | undefined> {
  const read = await readPolicyFolder(desk, folder)
  if (read === undefined) return undefined
  const problems = read.ok ? schemaProblems(read.value.source) : read.problems
  if (read.ok && problems.length === 0) return read.value
  for (const { place, message } of problems) desk.terminal.err(`${place}: ${message}`)
  desk.leave(exitCodes.no)
  return undefined
}

async function submit(desk: Desk, folder: string, options: ServerOptions & { set: string }): Promise<void> {
  const read = await readOwn(desk, folder)
  if (read === undefined) return
  const { source, tests } = read
  const { terminal } = desk
  await withAdmin(desk, options.config, async ({ api }) => {
    const { policies } = source
    const answer = await api.submitPolicies({ set: options.set, policies, tests, ...issuerOf(options) })
    if (!answer.ok) return reportProblem(desk, answer)
    const { name, state, problems: found } = answer.value
    if (options.output === 'json') terminal.out(json(answer.value))
    else {
      for (const { place, message } of found) terminal.err(`${place}: ${message}`)
      terminal.out(`${terminal.strong(state)}  ${name}`)
    }
    return found.length === 0 ? exitCodes.done : exitCodes.no
  })
}

async function simulate(
  desk: Desk,
  folder: string,
  options: ServerOptions & { days: string },
): Promise<void> {
  const days = Number(options.days)
  const { terminal, leave } = desk
  if (!/^\d+$/.test(options.days) || days < 1 || days > daysMax) {
    terminal.err(`\`--days\` is a whole number from 1 to ${daysMax}`)
    return leave(exitCodes.usage)
  }
  const read = await readOwn(desk, folder)
  if (read === undefined) return
  const { policies } = read.source
  await withAdmin(desk, options.config, async ({ api }) => {
    const answer = await api.simulatePolicies({ policies, days, ...issuerOf(options) })
    if (!answer.ok) return reportProblem(desk, answer)
    const { asked, same, remote, unsure, changes, untold } = answer.value
    if (options.output === 'json') terminal.out(json(answer.value))
    else {
      for (const change of changes) showChange(desk, change)
      if (untold > 0) terminal.err(`and ${untold} more of other kinds`)
      if (remote > 0)
        terminal.err(`for ${remote} of them remote engines were asked, too; they are not asked again`)
      if (unsure > 0)
        terminal.err(
          `${unsure} had attributes, which the audit does not keep: whether they would be others is not known`,
        )
      terminal.out(`${same} of ${asked} decisions would be the same`)
    }
    return same + unsure === asked ? exitCodes.done : exitCodes.no
  })
}

function showChange({ terminal }: Desk, change: SimulatedChange): void {
  const { count, moment, clientId, grantType, before, after, determining, failed, reference } = change
  const of = grantType === '' ? '' : `  ${grantType}`
  terminal.err(`${terminal.strong(`${count} × ${moment}`)}  ${clientId}${of}`)
  terminal.err(`  ${before.join(', ')} → ${after.join(', ')}  ${terminal.faint(determining.join(', '))}`)
  for (const failure of failed) terminal.err(`  ${failure}`)
  terminal.err(terminal.faint(`  such as ${reference}`))
}

async function list(desk: Desk, options: ServerOptions): Promise<void> {
  await withAdmin(desk, options.config, async ({ api }) => {
    const answer = await api.listPolicies(options.issuer)
    if (!answer.ok) return reportProblem(desk, answer)
    const { terminal } = desk
    if (options.output === 'json') terminal.out(json(answer.value))
    else
      for (const { name, state, shadow, issuer } of answer.value.policies)
        terminal.out(
          `${state.padEnd(9)} ${name}${shadow ? '  in the shadow' : ''}  ${terminal.faint(issuer)}`,
        )
    return exitCodes.done
  })
}

async function change(desk: Desk, request: PolicyChange, { config, output }: ServerOptions): Promise<void> {
  await withAdmin(desk, config, async ({ api }) => {
    const answer = await api.changePolicies(request)
    if (!answer.ok) return reportProblem(desk, answer)
    const { name, reference } = answer.value
    const { terminal } = desk
    if (output === 'json') terminal.out(json(answer.value))
    else terminal.out(`${request.step}  ${name}  ${terminal.faint(`reference ${reference}`)}`)
    return exitCodes.done
  })
}

function issuerOf({ issuer }: ServerOptions): { readonly issuer?: string } {
  return issuer === undefined ? {} : { issuer }
}
