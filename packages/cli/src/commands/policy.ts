import {
  compilePolicySet,
  type PolicySet,
  type Problem,
  parseCases,
  runCases,
  untestedPolicies,
} from '@holdfast/policy'
import { type AddCommand, type Desk, json, outputOption } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { type PolicyFolder, readPolicyFolder } from '../policy-folder.ts'
import { outdatedNote } from '../refresh-policies.ts'
import { addPolicyExplain } from './policy-explain.ts'
import { addPolicySets } from './policy-sets.ts'

/** `check` and `test` work on files alone: no server, no store, no configuration. */
export const addPolicy: AddCommand = (program, desk) => {
  const policy = program
    .command('policy')
    .description('check and test authorization policies, and move them to production')
  policy
    .command('check')
    .argument('<folder>', 'one `.cedarschema`, any number of `.cedar` files')
    .description('compile the policies in strict mode; warnings count as errors')
    .option(...outputOption)
    .action(async (folder: string, { output }: { output: string }) => {
      const set = await compiled(desk, folder, output)
      if (set !== undefined) reportSet(desk, set.set, output)
    })
  policy
    .command('test')
    .argument('<folder>', 'as for check, with tests in `.tests.json` files')
    .description('ask the questions of the tests and compare the decisions')
    .option('--require-all', 'a policy that decides no test is a failure')
    .option(...outputOption)
    .action(async (folder: string, options: { requireAll?: boolean; output: string }) => {
      const set = await compiled(desk, folder, options.output)
      if (set !== undefined) runTests(desk, set, options)
    })
  addPolicyExplain(policy, desk)
  addPolicySets(policy, desk)
}

async function compiled(
  desk: Desk,
  folder: string,
  output: string,
): Promise<{ readonly set: PolicySet; readonly tests: PolicyFolder['tests'] } | undefined> {
  const read = await readPolicyFolder(desk, folder)
  if (read === undefined) return undefined
  const note = read.ok ? outdatedNote(read.value.source) : undefined
  if (note !== undefined) desk.terminal.err(note)
  const answer = read.ok ? compile(read.value) : read
  if (answer.ok) return answer.value
  reportProblems(desk, answer.problems, output)
  return undefined
}

function compile({ source, tests }: PolicyFolder) {
  const answer = compilePolicySet(source)
  return answer.ok ? { ok: true as const, value: { set: answer.value, tests } } : answer
}

function reportProblems({ terminal, leave }: Desk, problems: readonly Problem[], output: string): void {
  if (output === 'json') terminal.out(json({ ok: false, problems }))
  else for (const { place, message } of problems) terminal.err(`${place}: ${message}`)
  leave(exitCodes.no)
}

function reportSet(
  { terminal, leave }: Desk,
  { version, compiled: { policies } }: PolicySet,
  output: string,
) {
  if (output === 'json') terminal.out(json({ ok: true, version, policies: policies.map(({ id }) => id) }))
  else
    terminal.out(
      `${policies.length === 1 ? '1 policy is' : `${policies.length} policies are`} well  ${terminal.faint(version)}`,
    )
  leave(exitCodes.done)
}

function runTests(
  desk: Desk,
  { set, tests }: { readonly set: PolicySet; readonly tests: PolicyFolder['tests'] },
  { requireAll = false, output }: { readonly requireAll?: boolean; readonly output: string },
): void {
  const problems: Problem[] = Object.keys(tests).length > 0 ? [] : [noTests]
  const ran = Object.entries(tests).flatMap(([file, text]) => {
    const parsed = parseFile(set, text)
    if (parsed.ok) return runCases(set, parsed.value).map(result => ({ file, ...result }))
    problems.push(...parsed.problems.map(({ place, message }) => ({ place: `${file} ${place}`, message })))
    return []
  })
  if (problems.length > 0) {
    reportProblems(desk, problems, output)
    return
  }
  const failed = ran.filter(({ differences }) => differences.length > 0)
  const untested = untestedPolicies(set, ran)
  const isWell = failed.length === 0 && (!requireAll || untested.length === 0)
  const { terminal, leave } = desk
  if (output === 'json') terminal.out(json({ ok: isWell, version: set.version, tests: ran, untested }))
  else {
    for (const { file, name, differences } of failed) {
      terminal.err(`${file}: ${terminal.strong(name)}`)
      for (const difference of differences) terminal.err(`  ${difference}`)
    }
    for (const id of untested) terminal.err(`no test is decided by ${id}`)
    terminal.out(
      `${ran.length - failed.length} of ${ran.length} tests as expected  ${terminal.faint(set.version)}`,
    )
  }
  leave(isWell ? exitCodes.done : exitCodes.no)
}

const noTests: Problem = { place: 'tests', message: 'found no `.tests.json` file' }

function parseFile(set: PolicySet, text: string): ReturnType<typeof parseCases> {
  try {
    return parseCases(set, JSON.parse(text))
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown
    return { ok: false, problems: [{ place: '$', message: thrown.message }] }
  }
}
