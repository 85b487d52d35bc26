import { readFileSync } from 'node:fs'
import type { ChangedOnboarding, OnboardingChange } from '@holdfast/server/control/admin-api.ts'
import type { Command } from 'commander'
import { parse } from 'yaml'
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
import { everyOnboarding } from '../every-page.ts'
import { exitCodes } from '../exit-codes.ts'
import { listOf, wholeNumber } from '../values.ts'
import { addOnboardReports } from './onboard-reports.ts'
import { addOnboardTemplate } from './onboard-template.ts'

type PersonOptions = ServerOptions & { readonly as?: string }

const daysMax = 732

/** Steps that need nothing but the record and a person. */
const plainSteps = [
  ['submit', 'record', 'ask for it: from now on others check and approve it'],
  ['approve', 'record', 'say that the client may be served as exactly this; never by who asked'],
  ['activate', 'record', 'serve the client by this record, instead of the one before'],
  ['review', 'record-or-client', 'say that it is still right'],
  ['resume', 'record-or-client', 'serve a suspended client again; in high tiers not by who suspended it'],
  ['remove', 'record', 'delete a draft, or one that was retired or ended'],
] as const

const endingSteps = [
  ['suspend', 'refuse the client everywhere from now on, and end what it has'],
  ['retire', 'end it for good; what the client has ends too'],
] as const

/** `holdfast onboard …`: from a registered client to one that is served, and to its end. */
export const addOnboard: AddCommand = (program, desk) => {
  const onboard = program
    .command('onboard')
    .description(
      'clients from registration to service and to their end: checked, approved, certified, reviewed',
    )
  addOnboardTemplate(onboard, desk)
  withServerOptions(onboard.command('draft'))
    .description('write down what is to be approved of a registered client')
    .option(...asOption)
    .requiredOption('-f, --file <file>', 'the record as YAML or JSON; `holdfast onboard template` prints one')
    .option('--days <days>', `until it ends, at most ${daysMax}`, '365')
    .option('--if-changed', 'only when no open record says the same')
    .action((options: DraftOptions) => draft(desk, options))
  withServerOptions(onboard.command('check <record>'))
    .description('look at keys, certificates, redirect URIs, contacts and fitness; 0: it passed')
    .option(...asOption)
    .action((record: string, options: PersonOptions) => check(desk, record, options))
  for (const [step, what, description] of plainSteps)
    withServerOptions(onboard.command(`${step} <${what}>`))
      .description(description)
      .option(...asOption)
      .action((record: string, options: PersonOptions) => change(desk, step, record, options))
  for (const [step, description] of endingSteps)
    withServerOptions(onboard.command(`${step} <record-or-client>`))
      .description(description)
      .option(...asOption)
      .requiredOption('--reason <text>', 'why; stands in the audit')
      .action((record: string, options: PersonOptions & { reason: string }) =>
        change(desk, step, record, options, { reason: options.reason }),
      )
  addCertify(onboard, desk)
  addKeySteps(onboard, desk)
  addOnboardReports(onboard, desk)
}

interface CertifyOptions extends PersonOptions {
  readonly against: string
  readonly evidence: string
  readonly days: string
}

function addCertify(onboard: Command, desk: Desk): void {
  withServerOptions(onboard.command('certify <record>'))
    .description('say that the client was certified; again before that ends')
    .option(...asOption)
    .requiredOption('--against <text>', 'what it was held to, with its version')
    .requiredOption('--evidence <text>', 'where the proof lies')
    .option('--days <days>', `until the certification ends, at most ${daysMax}`, '365')
    .action((record: string, options: CertifyOptions) => {
      const days = wholeNumber(options.days, daysMax)
      if (days === undefined) return misused(desk, `\`--days\` is a whole number from 1 to ${daysMax}`)
      const { against, evidence } = options
      return change(desk, 'certify', record, options, { certification: { against, evidence, days } })
    })
}

interface RotateOptions extends PersonOptions {
  readonly key: string
  readonly replaces?: string
  readonly overlapDays?: string
}

function addKeySteps(onboard: Command, desk: Desk): void {
  withServerOptions(onboard.command('rotate-key <record-or-client>'))
    .description('propose a new key; it counts when another person approved it')
    .option(...asOption)
    .requiredOption('--key <file>', 'the public key as a JWK')
    .option('--replaces <thumbprints>', 'separated by commas (default: every key of the same use)')
    .option('--overlap-days <days>', 'how long those work on (default: as planned in the record)')
    .action((record: string, options: RotateOptions) => rotate(desk, record, options))
  withServerOptions(onboard.command('approve-key <record> <thumbprint>'))
    .description('take the proposed key; those it replaces end when the overlap is over')
    .option(...asOption)
    .action((record: string, thumbprint: string, options: PersonOptions) =>
      change(desk, 'approve-key', record, options, { thumbprint }),
    )
}

function rotate(desk: Desk, record: string, options: RotateOptions): Promise<void> | void {
  const overlapDays = options.overlapDays === undefined ? undefined : Number(options.overlapDays)
  if (options.overlapDays !== undefined && !/^\d{1,2}$/.test(options.overlapDays))
    return misused(desk, '`--overlap-days` is a whole number')
  const jwk = readMapping(desk, options.key)
  if (jwk === undefined) return desk.leave(exitCodes.usage)
  const { replaces } = options
  return change(desk, 'rotate-key', record, options, {
    rotation: {
      jwk,
      ...(replaces !== undefined && { replaces: listOf(replaces) }),
      ...(overlapDays !== undefined && { overlapDays }),
    },
  })
}

interface DraftOptions extends PersonOptions {
  readonly file: string
  readonly days: string
  readonly ifChanged?: boolean
}

async function draft(desk: Desk, options: DraftOptions): Promise<void> {
  const days = wholeNumber(options.days, daysMax)
  if (days === undefined) return misused(desk, `\`--days\` is a whole number from 1 to ${daysMax}`)
  const form = readMapping(desk, options.file)
  if (form === undefined) return desk.leave(exitCodes.usage)
  const { issuer } = options
  await withAdmin(desk, options.config, async ({ api, via }) => {
    const as = personOf(desk, via, options.as)
    if (as === undefined) return exitCodes.usage
    if (options.ifChanged === true) {
      const listed = await everyOnboarding(api, issuer)
      if (!listed.ok) return reportProblem(desk, listed)
      const same = listed.value.find(
        ({ client, state, moved, content }) =>
          client === form.client &&
          state !== 'retired' &&
          state !== 'expired' &&
          moved.length === 0 &&
          Object.entries(form).every(([member, value]) => isSame(value, Object(content)[member])),
      )
      if (same !== undefined) {
        if (options.output === 'json') desk.terminal.out(json(same))
        else desk.terminal.out(`unchanged  ${same.name}  ${same.state}`)
        return exitCodes.done
      }
    }
    const answer = await api.draftOnboarding({ as, form, days, ...(issuer !== undefined && { issuer }) })
    if (!answer.ok) return reportProblem(desk, answer)
    tell(desk, answer.value, options)
    return exitCodes.done
  })
}

/** Whatever the order of members. */
function isSame(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null)
    return left === right
  const [members, others] = [Object.entries(left), Object.keys(right)]
  return (
    members.length === others.length &&
    members.every(([member, value]) => isSame(value, Object(right)[member]))
  )
}

async function check(desk: Desk, record: string, options: PersonOptions): Promise<void> {
  const { issuer } = options
  await withAdmin(desk, options.config, async ({ api, via }) => {
    const as = personOf(desk, via, options.as)
    if (as === undefined) return exitCodes.usage
    const answer = await api.checkOnboarding({ as, record, ...(issuer !== undefined && { issuer }) })
    if (!answer.ok) return reportProblem(desk, answer)
    const { passed, findings } = answer.value
    if (options.output === 'json') desk.terminal.out(json(answer.value))
    else {
      tell(desk, answer.value, options)
      for (const { level, rule, field, reason, fix } of findings) {
        desk.terminal.out(`${level}  ${field}: ${reason} [${rule}]`)
        desk.terminal.out(`  fix: ${fix}`)
      }
      if (findings.length === 0) desk.terminal.out('nothing was found')
    }
    return passed ? exitCodes.done : exitCodes.no
  })
}

async function change(
  desk: Desk,
  step: OnboardingChange['step'],
  record: string,
  options: PersonOptions,
  more: Partial<OnboardingChange> = {},
): Promise<void> {
  const { issuer } = options
  await withAdmin(desk, options.config, async ({ api, via }) => {
    const as = personOf(desk, via, options.as)
    if (as === undefined) return exitCodes.usage
    const answer = await api.changeOnboarding({
      ...{ step, as, record, ...more },
      ...(issuer !== undefined && { issuer }),
    })
    if (!answer.ok) return reportProblem(desk, answer)
    if (step === 'remove' && options.output !== 'json') desk.terminal.out(`removed  ${answer.value.name}`)
    else tell(desk, answer.value, options)
    return exitCodes.done
  })
}

function tell({ terminal }: Desk, changed: ChangedOnboarding, { output }: ServerOptions): void {
  const { name, client, state, approvalsMissing, needsCertification, reference } = changed
  if (output === 'json') {
    terminal.out(json(changed))
    return
  }
  terminal.out(`${terminal.strong(state)}  ${client}  ${name}  ${terminal.faint(`reference ${reference}`)}`)
  const missing = approvalsMissing === 1 ? 'one more person has to approve' : 'two persons have to approve'
  if (state === 'draft') terminal.out(`next: holdfast onboard submit ${name}`)
  if (state === 'submitted') terminal.out(`next: holdfast onboard check ${name}`)
  if (state === 'checked') terminal.out(missing)
  if (state === 'approved')
    terminal.out(
      needsCertification ? 'somebody has to certify it' : `next: holdfast onboard activate ${name}`,
    )
  if (state === 'certified') terminal.out(`next: holdfast onboard activate ${name}`)
}

/** A file with one mapping; undefined when it is none, which was then told. */
function readMapping({ terminal }: Desk, file: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = parse(readFileSync(file, 'utf8'), { maxAliasCount: 0 })
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, unknown>>
    terminal.err(`${file} holds no mapping`)
  } catch (cause) {
    terminal.err(cause instanceof Error ? cause.message : String(cause))
  }
  return undefined
}

function misused({ terminal, leave }: Desk, message: string): void {
  terminal.err(message)
  leave(exitCodes.usage)
}
