import type { Answer } from '@holdfast/server/control/admin-api.ts'
import { type AdminProfile, readAdminProfile } from '../admin-profile.ts'
import {
  type AddCommand,
  configOption,
  type Desk,
  json,
  outputOption,
  reportProblem,
  withAdmin,
} from '../command.ts'
import type { AdminChanges, WaitingChange } from '../composition.ts'
import { exitCodes } from '../exit-codes.ts'
import { columns, timeOf } from '../terminal.ts'

/** `holdfast admin …`: the admin API over HTTPS, and what waits there for a second person. */
export const addAdmin: AddCommand = (program, desk) => {
  const admin = program
    .command('admin')
    .description('the admin API over HTTPS: its documents, who you are there, and changes of two persons')
  admin
    .command('documents')
    .description('write the documents that the admin API needs; they grant nothing to anybody')
    .option(...configOption)
    .action(({ config }: { readonly config?: string }) => {
      const documents = desk.composition.adminDocuments(config)
      if (documents === undefined) {
        desk.terminal.err('the configuration has no admin API over HTTPS: set `admin`')
        return desk.leave(exitCodes.no)
      }
      for (const document of documents) desk.terminal.out(`---\n${json(document)}`)
    })
  admin
    .command('login')
    .description('sign in with a browser; what comes of it stands beside the profile, for its owner only')
    .option('--acr <value>', 'sign in anew, as strongly as this: what takes two persons asks for it')
    .action(({ acr }: { readonly acr?: string }) => login(desk, acr))
  admin
    .command('whoami')
    .description('who the server takes you for, and what you may do')
    .option(...outputOption)
    .action(async ({ output }: { readonly output: string }) => {
      await withChanges(desk, async changes => {
        const answer = await changes.self()
        if (!answer.ok) return reportProblem(desk, answer)
        const { name, isPerson, clientId, scopes } = answer.value
        if (output === 'json') desk.terminal.out(json(answer.value))
        else {
          desk.terminal.out(
            `${desk.terminal.strong(name)}  ${isPerson ? 'a person' : 'a client'}, with ${clientId}`,
          )
          for (const scope of scopes) desk.terminal.out(`  ${scope}`)
        }
        return exitCodes.done
      })
    })
  admin
    .command('changes')
    .description('changes that wait for a second person')
    .option(...outputOption)
    .action(async ({ output }: { readonly output: string }) => {
      await withChanges(desk, async changes => {
        const answer = await changes.list()
        if (!answer.ok) return reportProblem(desk, answer)
        if (output === 'json') desk.terminal.out(json(answer.value.changes))
        else for (const line of columns([titles, ...answer.value.changes.map(rowOf)])) desk.terminal.out(line)
        return exitCodes.done
      })
    })
  admin
    .command('show <change>')
    .description('all that a change will do: read it before you confirm it')
    .option(...outputOption)
    .action(async (name: string, { output }: { readonly output: string }) => {
      await withChanges(desk, async changes => {
        const answer = await changes.read(name)
        if (!answer.ok) return reportProblem(desk, answer)
        if (output === 'json') desk.terminal.out(json(answer.value))
        else write(desk, answer.value)
        return exitCodes.done
      })
    })
  for (const [verb, description] of [
    ['confirm', 'bring about exactly this change, which another person proposed'],
    ['withdraw', 'take a change back, your own or one that you could confirm'],
  ] as const)
    admin
      .command(`${verb} <change>`)
      .description(description)
      .action(async (name: string) => {
        await withChanges(desk, async changes => {
          const answer: Answer<object> = await changes[verb](name)
          if (!answer.ok) return reportProblem(desk, answer)
          desk.terminal.out(`${verb === 'confirm' ? 'done' : 'withdrawn'}  ${name}`)
          return exitCodes.done
        })
      })
}

async function login({ terminal, leave, profile }: Desk, acr: string | undefined): Promise<void> {
  const file = profile()
  if (file === undefined) {
    terminal.err('name a profile: holdfast --admin-profile <file> admin login')
    return leave(exitCodes.usage)
  }
  try {
    const read: AdminProfile = readAdminProfile(file, process.cwd())
    if (!read.login) throw new Error(`\`${file}\` is of a client that speaks for itself: nobody signs in`)
    const { openAdminSession } = await import('../admin-session.ts')
    const session = await openAdminSession(read)
    try {
      await session.signIn(acr, url => terminal.out(`open this page, and sign in:\n${url}`))
      terminal.out('signed in')
    } finally {
      await session.close()
    }
  } catch (cause) {
    terminal.err(cause instanceof Error ? cause.message : String(cause))
    leave(exitCodes.broken)
  }
}

/** Changes wait at the admin API: who is the second person is only known there. */
async function withChanges(desk: Desk, work: (changes: AdminChanges) => Promise<number>): Promise<void> {
  await withAdmin(desk, undefined, async ({ changes }) => {
    if (changes !== undefined) return await work(changes)
    desk.terminal.err('changes wait at the admin API over HTTPS: name a profile with --admin-profile')
    return exitCodes.usage
  })
}

const titles = ['CHANGE', 'BY', 'UNTIL', 'WHAT']

function rowOf({ name, proposedBy, expiresAt, operation, changes }: WaitingChange): readonly string[] {
  const what = changes.map(({ action, kind, name: of }) => `${action} ${kind}/${of}`).join(', ')
  return [name, proposedBy, timeOf(expiresAt), what === '' ? operation : what]
}

function write({ terminal }: Desk, change: WaitingChange): void {
  const { name, operation, request, changes, reasons, approveScopes, proposedBy, expiresAt } = change
  const lines = [
    ['change', name],
    ['operation', operation],
    ['proposed by', proposedBy],
    ['until', timeOf(expiresAt)],
    ['needs', approveScopes.join(' ')],
    ...reasons.map(reason => ['because', reason]),
  ]
  for (const line of columns(lines)) terminal.out(line)
  if (request !== undefined) terminal.out(json(request))
  for (const { action, kind, name: of, fields } of changes) {
    terminal.out(terminal.strong(`${action} ${kind}/${of}`))
    for (const { field, from, to } of fields)
      terminal.out(`    ${field}: ${from ?? '(absent)'} -> ${to ?? '(absent)'}`)
  }
}
