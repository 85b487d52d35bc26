import type { Terminal } from '@holdfast/cli'

/** What a person needs to go on from here. */
export interface StartCard {
  readonly environment: string
  readonly issuers: readonly { readonly url: string; readonly mtlsUrl: string }[]
  readonly management: string
  /** Undefined when there is no admin API over HTTPS. */
  readonly admin: string | undefined
  readonly demo: DemoLines | undefined
  readonly dataFolder: string
  readonly caFile: string | undefined
  readonly readyMs: number
}

interface DemoLines {
  readonly api: string
  /** Undefined when no gateway is in front of it. */
  readonly gateway: string | undefined
  readonly user: { readonly username: string; readonly password: string }
  readonly clients: readonly { readonly clientId: string; readonly says: string }[]
}

const labelWidth = 14

export function writeStartCard(terminal: Terminal, card: StartCard): void {
  const lines = linesOf(card)
  const width = Math.max(...lines.map(line => line.length))
  const title = ` Holdfast, ${card.environment} `
  terminal.out(`╭─${terminal.strong(title)}${'─'.repeat(Math.max(0, width - title.length + 1))}╮`)
  for (const line of lines) terminal.out(`│ ${line.padEnd(width)} │`)
  terminal.out(`╰${'─'.repeat(width + 2)}╯`)
  terminal.out(`ready in ${Math.round(card.readyMs)} ms`)
}

function linesOf({ issuers, management, admin, demo, dataFolder, caFile }: StartCard): readonly string[] {
  const row = (label: string, value: string): string => `${label.padEnd(labelWidth)}${value}`
  const list = (label: string, values: readonly string[]): readonly string[] =>
    values.map((value, index) => row(index === 0 ? label : '', value))
  return [
    ...issuers.flatMap(({ url, mtlsUrl }) => [row('issuer', url), row('mutual TLS', mtlsUrl)]),
    ...(demo === undefined ? [] : [row('demo API', `${demo.api}/accounts`)]),
    ...(demo?.gateway === undefined ? [] : [row('gateway', `${demo.gateway}/accounts`)]),
    ...(admin === undefined ? [] : [row('admin API', `${admin}/admin/v1`)]),
    row('management', management),
    '',
    ...(demo === undefined ? [] : demoLines(demo, row, list)),
    row('data', dataFolder),
    ...(caFile === undefined ? [] : [row('authority', caFile)]),
    '',
    ...list('next', [
      ...(demo === undefined ? [] : ['holdfast demo            walk the chain, then steal and replay']),
      'holdfast clients list    who is registered',
      'holdfast apply -f dir/   register your own',
      'holdfast explain <id>    what a clause, rule or reference id means',
      'holdfast doctor          look for what is wrong',
    ]),
  ]
}

function demoLines(
  { user, clients }: DemoLines,
  row: (label: string, value: string) => string,
  list: (label: string, values: readonly string[]) => readonly string[],
): readonly string[] {
  const width = Math.max(...clients.map(({ clientId }) => clientId.length))
  return [
    row('demo user', `${user.username} / ${user.password}`),
    ...list(
      'demo clients',
      clients.map(({ clientId, says }) => `${clientId.padEnd(width)}  ${says}`),
    ),
    row('', 'the floor is oidc-baseline so that demo-oidc may exist; the others are FAPI 2.0'),
    '',
  ]
}
