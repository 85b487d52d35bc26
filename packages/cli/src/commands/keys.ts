import type { KeyList } from '@holdfast/server/control/admin-api.ts'
import {
  type AddCommand,
  configOption,
  json,
  outputOption,
  reportProblem,
  type ServerOptions,
  withAdmin,
} from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { columns, timeOf } from '../terminal.ts'

interface RotateOptions extends ServerOptions {
  readonly alg?: string
}

const issuerOption = ['--issuer <name>', 'name or URL (default: every issuer)'] as const

/** `holdfast keys …`: the signing keys of the running server. */
export const addKeys: AddCommand = (program, desk) => {
  const keys = program.command('keys').description('signing keys: list, rotate, take back')
  keys
    .command('list', { isDefault: true })
    .description('every signing key and where it stands in its life')
    .option(...issuerOption)
    .option(...configOption)
    .option(...outputOption)
    .action(async ({ config, issuer, output }: ServerOptions) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.listKeys(issuer)
        if (!answer.ok) return reportProblem(desk, answer)
        const { out } = desk.terminal
        const { keys: listed, published, verifiers } = answer.value
        if (output === 'json') out(json({ keys: listed, published, verifiers }))
        else {
          for (const line of columns([
            ['KID', 'ALG', 'STATE', 'SIGNS FROM', 'GONE FROM', 'ISSUER'],
            ...listed.map(key => [
              ...[key.kid, key.alg, key.state, timeOf(key.activeAt)],
              ...[timeOf(key.revokedAt ?? key.removedAt), key.issuer],
            ]),
          ]))
            out(line)
          for (const line of newsOf(listed)) out(line)
          for (const line of verifierLines(published, verifiers)) out(line)
        }
        return exitCodes.done
      })
    })
  keys
    .command('rotate')
    .description('announce new keys; each signs once every verifier can have it')
    .option('--alg <alg>', 'only this algorithm')
    .option(...issuerOption)
    .option(...configOption)
    .option(...outputOption)
    .action(async ({ config, issuer, alg, output }: RotateOptions) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.rotateKeys({ issuer, alg })
        if (!answer.ok) return reportProblem(desk, answer)
        const { out } = desk.terminal
        const { rotated, skipped, reference } = answer.value
        if (output === 'json') out(json(answer.value))
        else {
          for (const { kid, alg: made, earliestAt, activeAt, previousKid, previousRemovedAt } of rotated) {
            const isWaiting = activeAt > earliestAt
            const atLatest = isWaiting
              ? `, once every verifier has it, at the latest from ${timeOf(activeAt)}`
              : ''
            const until = `${previousKid} is published until ${timeOf(previousRemovedAt)}`
            out(
              `${made}: ${kid} signs from ${timeOf(earliestAt)}${atLatest}; ${until}${isWaiting ? ' then' : ''}`,
            )
          }
          for (const { alg: busy, issuer: where } of skipped)
            out(`${busy}: a rotation is under way at ${where}; see \`holdfast keys list\``)
          out(`reference ${reference}`)
        }
        return rotated.length === 0 ? exitCodes.no : exitCodes.done
      })
    })
  keys
    .command('revoke <kid>')
    .description('take a compromised key back at once; a new one takes its place')
    .option(...configOption)
    .option(...outputOption)
    .action(async (kid: string, { config, output }: ServerOptions) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await api.revokeKey({ kid })
        if (!answer.ok) return reportProblem(desk, answer)
        const { out } = desk.terminal
        const { replacementKid, reference } = answer.value
        if (output === 'json') out(json(answer.value))
        else {
          out(`revoked ${kid}`)
          out(
            replacementKid === undefined
              ? 'custody does not answer: a key takes its place when it does, and nothing is signed until then'
              : `${replacementKid} is in its place`,
          )
          out(`reference ${reference}`)
        }
        return exitCodes.done
      })
    })
}

/** What a person should know about single keys: a roll-back, and whom a promotion waits for. */
function newsOf(keys: KeyList['keys']): readonly string[] {
  return keys.flatMap(({ kid, activeAt, withdrawnAt, waitsFor }) => [
    ...(withdrawnAt === undefined ? [] : [`${kid} was rolled back at ${timeOf(withdrawnAt)}`]),
    ...(waitsFor.length === 0 ? [] : [`${kid} waits, at the latest until ${timeOf(activeAt)}:`]),
    ...waitsFor.slice(0, waitsShownMax).map(why => `  ${why}`),
    ...(waitsFor.length > waitsShownMax ? [`  and ${waitsFor.length - waitsShownMax} more`] : []),
  ])
}

const waitsShownMax = 20

function verifierLines(published: KeyList['published'], verifiers: KeyList['verifiers']): readonly string[] {
  const versions = published.map(({ issuer, version }) => `key set ${version} at ${issuer}`)
  if (verifiers.length === 0) return ['', ...versions, 'no verifier reports which keys it holds']
  const rows = verifiers.map(({ issuer, clientId, instance, holds, since, seenAt, unverified }) => [
    ...[clientId, instance, holds, timeOf(since), timeOf(seenAt)],
    unverified.length === 0 ? issuer : `${issuer}; does not verify: ${unverified.join(' ')}`,
  ])
  return [
    '',
    ...versions,
    ...columns([['VERIFIER', 'INSTANCE', 'HOLDS', 'SINCE', 'SEEN', 'ISSUER'], ...rows]),
  ]
}
