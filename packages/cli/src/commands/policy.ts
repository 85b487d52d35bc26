import { readdir, readFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import {
  compilePolicySet,
  type PolicySet,
  type PolicySource,
  type Problem,
  parseCases,
  runCases,
  untestedPolicies,
} from '@holdfast/policy'
import { type AddCommand, type Desk, json, outputOption } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

interface PolicyFolder {
  readonly source: PolicySource
  /** Files of tests, by name. */
  readonly tests: Readonly<Record<string, string>>
}

/** Works on files alone: no server, no store, no configuration. */
export const addPolicy: AddCommand = (program, desk) => {
  const policy = program.command('policy').description('check and test authorization policies in files')
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
}

async function compiled(
  desk: Desk,
  folder: string,
  output: string,
): Promise<{ readonly set: PolicySet; readonly tests: PolicyFolder['tests'] } | undefined> {
  const read = await readFolder(folder).catch((cause: unknown) => {
    desk.terminal.err(cause instanceof Error ? cause.message : String(cause))
    return undefined
  })
  if (read === undefined) {
    desk.leave(exitCodes.broken)
    return undefined
  }
  const answer = isProblems(read) ? { ok: false as const, problems: read } : compile(read)
  if (answer.ok) return answer.value
  reportProblems(desk, answer.problems, output)
  return undefined
}

function compile({ source, tests }: PolicyFolder) {
  const answer = compilePolicySet(source)
  return answer.ok ? { ok: true as const, value: { set: answer.value, tests } } : answer
}

function isProblems(read: PolicyFolder | readonly Problem[]): read is readonly Problem[] {
  return Array.isArray(read)
}

async function readFolder(folder: string): Promise<PolicyFolder | readonly Problem[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .toSorted()
  const schemas = files.filter(name => name.endsWith('.cedarschema'))
  const [schema] = schemas
  if (schema === undefined || schemas.length > 1)
    return [{ place: folder, message: `expected one \`.cedarschema\`, found ${schemas.length}` }]
  const texts = async (ending: string): Promise<Record<string, string>> =>
    Object.fromEntries(
      await Promise.all(
        files
          .filter(name => name.endsWith(ending) && !basename(name).startsWith('.'))
          .map(async name => [name, await readFile(join(folder, name), 'utf8')] as const),
      ),
    )
  const policies = await texts('.cedar')
  if (Object.keys(policies).length === 0) return [{ place: folder, message: 'found no `.cedar` file' }]
  const text = await readFile(join(folder, schema), 'utf8')
  return { source: { schema: { name: schema, text }, policies }, tests: await texts('.tests.json') }
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
