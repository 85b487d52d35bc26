import { type AddCommand, configOption, json, outputOption, reportProblem, withAdmin } from '../command.ts'
import { everyDocument } from '../every-page.ts'
import { exitCodes } from '../exit-codes.ts'
import { columns } from '../terminal.ts'
import { addClientSecret } from './client-secret.ts'
import { addRevoke } from './revoke.ts'

interface ClientDocument {
  readonly spec?: {
    readonly profile?: string
    readonly status?: string
    /** Of a client that registered itself. */
    readonly policy?: { readonly profile?: string }
    readonly metadata?: Readonly<Record<string, unknown>>
  }
}

export const addClients: AddCommand = (program, desk) => {
  const clients = program
    .command('clients')
    .description('look at registered clients and change their secrets and access')
  clients
    .command('list')
    .description('every client with its profile, authentication method and sender constraint')
    .option(...configOption)
    .option(...outputOption)
    .action(async ({ config, output }: { config?: string; output: string }) => {
      await withAdmin(desk, config, async ({ api }) => {
        const answer = await everyDocument(api)
        if (!answer.ok) return reportProblem(desk, answer)
        const rows = answer.value.documents
          .filter(({ kind }) => kind === 'Client' || kind === 'RegisteredClient')
          .map(({ name, issuer, document }) => ({ clientId: name, issuer, ...summary(document) }))
        if (output === 'json') desk.terminal.out(json(rows))
        else {
          const head = ['CLIENT', 'STATUS', 'PROFILE', 'AUTHENTICATION', 'BOUND BY', 'ISSUER']
          const cells = rows.map(row => [
            row.clientId,
            row.status,
            row.profile,
            row.method,
            row.boundBy,
            row.issuer,
          ])
          for (const line of columns([head, ...cells])) desk.terminal.out(line)
        }
        return exitCodes.done
      })
    })
  addClientSecret(clients, desk)
  addRevoke(clients, desk, 'client', 'clientId')
  clients
    .command('registration-token <clientId>')
    .description('a new token for a client that registered itself and lost its own; the old one is dead')
    .option('--issuer <name>', 'name or URL, when several issuers have the client')
    .option(...configOption)
    .option(...outputOption)
    .action(
      async (
        clientId: string,
        options: { config?: string; output: string; issuer?: string },
      ): Promise<void> => {
        await withAdmin(desk, options.config, async ({ api }) => {
          const { issuer } = options
          const answer = await api.renewRegistration({ clientId, ...(issuer !== undefined && { issuer }) })
          if (!answer.ok) return reportProblem(desk, answer)
          if (options.output === 'json') desk.terminal.out(json(answer.value))
          else {
            desk.terminal.out(`token     ${answer.value.registrationAccessToken}`)
            desk.terminal.out(`address   ${answer.value.registrationClientUri}`)
            desk.terminal.out('This is the only time it is shown.')
          }
          return exitCodes.done
        })
      },
    )
}

function summary(
  document: ClientDocument,
): Readonly<Record<'profile' | 'status' | 'method' | 'boundBy', string>> {
  const { status = 'active', metadata = {}, policy } = document.spec ?? {}
  const profile = policy?.profile ?? document.spec?.profile ?? 'fapi2-security'
  const flags: readonly (readonly [flag: string, shown: string])[] = [
    ['dpop_bound_access_tokens', 'dpop'],
    ['tls_client_certificate_bound_access_tokens', 'mtls'],
  ]
  const bound = flags.filter(([flag]) => metadata[flag] === true).map(([, shown]) => shown)
  const method = String(metadata.token_endpoint_auth_method ?? 'private_key_jwt')
  return { profile, status, method, boundBy: bound.length === 0 ? '-' : bound.join(' + ') }
}
