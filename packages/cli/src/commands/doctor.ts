import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { request } from 'node:https'
import { cannotListen } from '../cannot-listen.ts'
import { type AddCommand, configOption, json, outputOption } from '../command.ts'
import type { Composition, Configuration } from '../composition.ts'
import { exitCodes } from '../exit-codes.ts'

/** What one check found. `note` is advice that no machine can check for the operator. */
interface Finding {
  readonly check: string
  readonly result: 'ok' | 'note' | 'failed'
  readonly message: string
}

const timeoutMs = 3000
const bodyBytesMax = 131_072
const clockSkewSecondsMax = 10

export const addDoctor: AddCommand = (program, { composition, terminal, leave }) => {
  program
    .command('doctor')
    .description(
      'look for what keeps a server from working or from being safe; exit code 1 when something is',
    )
    .option(...configOption)
    .option(...outputOption)
    .action(async ({ config, output }: { config?: string; output: string }) => {
      const findings = await examine(composition, config)
      if (output === 'json') terminal.out(json(findings))
      else
        for (const { check, result, message } of findings) {
          const line = `${result.padEnd(6)}  ${check.padEnd(14)}  ${message}`
          terminal.out(result === 'failed' ? terminal.strong(line) : line)
        }
      leave(findings.some(({ result }) => result === 'failed') ? exitCodes.no : exitCodes.done)
    })
}

async function examine(composition: Composition, config: string | undefined): Promise<readonly Finding[]> {
  const findings: Finding[] = [nodeVersion()]
  const answer = composition.configuration(config)
  if (!answer.ok) return [...findings, ...answer.problems.map(message => failed('configuration', message))]
  const { value } = answer
  findings.push(
    ok('configuration', `${value.environment}, ${value.issuers.length} issuer(s)`),
    dataFolder(value),
  )
  const authority = readAuthority(value)
  if (authority !== undefined) findings.push(authority.finding)

  const connection = await composition.admin(config).catch((cause: unknown) => {
    findings.push(failed('store', cause instanceof Error ? cause.message : String(cause)))
    return undefined
  })
  const isRunning = connection?.via === 'server'
  if (connection !== undefined) {
    const status = await connection.api.status()
    await connection.close()
    if (!status.ok) findings.push(failed('store', status.problem.detail ?? status.problem.title))
    else if (isRunning && status.value.revision !== status.value.servedRevision)
      findings.push(
        failed(
          'revision',
          `${status.value.revision} is stored, ${status.value.servedRevision} is served: see the log`,
        ),
      )
    else findings.push(ok('store', `revision ${status.value.revision}, read through the ${connection.via}`))
  }
  if (isRunning)
    for (const issuer of value.issuers) findings.push(...(await metadata(issuer.url, authority?.pem)))
  else findings.push(...(await ports(value)))
  return [...findings, ...reminders(value)]
}

function nodeVersion(): Finding {
  const [major = 0] = process.versions.node.split('.').map(Number)
  return major >= 24
    ? ok('node', process.version)
    : failed(
        'node',
        `${process.version} is older than 24; run \`npm ci\` and start through the holdfast binary`,
      )
}

function dataFolder({ dataFolder: folder }: Configuration): Finding {
  if (!existsSync(folder)) return ok('data folder', `${folder} is not there yet; the first start makes it`)
  const mode = statSync(folder).mode & 0o777
  return process.platform !== 'win32' && (mode & 0o077) !== 0
    ? failed('data folder', `${folder} is open to others (mode ${mode.toString(8)}); run \`chmod 700\` on it`)
    : ok('data folder', folder)
}

function readAuthority({ caFile }: Configuration): { finding: Finding; pem: string | undefined } | undefined {
  if (caFile === undefined) return undefined
  if (!existsSync(caFile))
    return {
      finding: ok('authority', `${caFile} is not there yet; the first start makes it`),
      pem: undefined,
    }
  const pem = readFileSync(caFile, 'utf8')
  const days = Math.floor((Date.parse(new X509Certificate(pem).validTo) - Date.now()) / 86_400_000)
  const finding =
    days < 0
      ? failed('authority', `${caFile} has expired; delete it and start again`)
      : ok(
          'authority',
          `${caFile} (development, ${days} days left); clients trust it with NODE_EXTRA_CA_CERTS`,
        )
  return { finding, pem }
}

async function ports({ listeners }: Configuration): Promise<readonly Finding[]> {
  return await Promise.all(
    Object.entries(listeners).map(async ([name, { host, port }]) => {
      const problem = port === 0 ? undefined : await cannotListen(host, port)
      const place = `listeners.${name} (${host}:${port})`
      return problem === undefined ? ok('port', `${place} is free`) : failed('port', `${place}: ${problem}`)
    }),
  )
}

async function metadata(issuer: string, ca: string | undefined): Promise<readonly Finding[]> {
  const url = `${issuer}/.well-known/openid-configuration`
  try {
    const { status, body, date } = await get(url, ca)
    if (status !== 200) return [failed('issuer', `${url} answers ${status}`)]
    const document = JSON.parse(body) as Record<string, unknown>
    const skew = Math.round(Math.abs(Date.now() - Date.parse(date)) / 1000)
    return [
      document.issuer === issuer
        ? ok('issuer', `${url} answers and names itself`)
        : failed('issuer', `${url} names \`${String(document.issuer)}\``),
      skew <= clockSkewSecondsMax
        ? ok('clock', `server and this machine agree to ${skew} s`)
        : failed('clock', `the server's clock is ${skew} s off: proofs and assertions will be refused`),
      ...missing(document),
    ]
  } catch (cause) {
    return [failed('issuer', `${url}: ${cause instanceof Error ? cause.message : String(cause)}`)]
  }
}

/** What a FAPI 2.0 client needs to find in the metadata. */
function missing(document: Record<string, unknown>): readonly Finding[] {
  const needed = [
    ...['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'pushed_authorization_request_endpoint'],
    ...['introspection_endpoint', 'revocation_endpoint', 'code_challenge_methods_supported'],
    ...['dpop_signing_alg_values_supported', 'authorization_response_iss_parameter_supported'],
    ...['tls_client_certificate_bound_access_tokens', 'mtls_endpoint_aliases'],
  ]
  const absent = needed.filter(name => document[name] === undefined)
  return absent.length === 0
    ? [ok('metadata', 'everything a FAPI 2.0 client looks for is published')]
    : [failed('metadata', `not published: ${absent.join(', ')}`)]
}

function get(url: string, ca: string | undefined): Promise<{ status: number; body: string; date: string }> {
  return new Promise((done, fail) => {
    const outgoing = request(url, { ...(ca !== undefined && { ca }), timeout: timeoutMs }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
        if (body.length > bodyBytesMax) outgoing.destroy(new Error('the answer is too long'))
      })
      response.on('end', () =>
        done({ status: response.statusCode ?? 0, body, date: response.headers.date ?? '' }),
      )
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
    outgoing.on('error', fail)
    outgoing.end()
  })
}

/** FAPI2-SP-FINAL-5.2.1: nobody but the owner of the domain can see to these. */
function reminders({ environment, issuers }: Configuration): readonly Finding[] {
  if (environment === 'development')
    return [note('domain', 'in production: sign the zone (DNSSEC) and publish CAA records')]
  return issuers.map(({ url }) =>
    note(
      'domain',
      `see that \`${new URL(url).hostname}\` has a signed zone (DNSSEC) and CAA records that name your authority`,
    ),
  )
}

function ok(check: string, message: string): Finding {
  return { check, result: 'ok', message }
}

function note(check: string, message: string): Finding {
  return { check, result: 'note', message }
}

function failed(check: string, message: string): Finding {
  return { check, result: 'failed', message }
}
