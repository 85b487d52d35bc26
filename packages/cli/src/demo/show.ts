import type { Terminal } from '../terminal.ts'
import type { Act, Attack, Line, Message, Step, Transcript } from './transcript.ts'

/** Writes a transcript for people, in at most 100 columns. */
export interface Show {
  readonly opening: (demo: {
    readonly issuer: string
    readonly clientId: string
    readonly says: string
  }) => void
  readonly step: (step: Step) => void
  readonly attack: (attack: Attack) => void
  readonly closing: (transcript: Transcript) => void
}

const columnsMax = 100
const indent = '    '
const nameWidth = 22

/** Request lines of an attack that say what was stolen or forged; the rest was as in the chain. */
const telling: ReadonlySet<string> = new Set([
  ...['Authorization', 'DPoP', 'client_id', 'client_assertion', 'code', 'code_verifier', 'refresh_token'],
  ...['redirect_uri', 'code_challenge', 'code_challenge_method', 'grant_type'],
])
/** Lines of the browser that say nothing to a reader. */
const silent: ReadonlySet<string> = new Set(['Cookie', 'Set-Cookie', 'csrf', 'shown'])

const actTitles: Readonly<Record<Act, string>> = {
  token: 'The access token and the refresh token are stolen',
  code: 'A code is stolen on its way back',
  assertion: 'The proof of who the client is, is captured',
  downgrade: 'Somebody asks for less security',
}

export function openShow({ out, strong, faint }: Terminal): Show {
  let act: Act | undefined
  let attacks = 0
  const wrapped = (text: string, before: string): void => {
    for (const line of wrap(text, columnsMax - before.length)) out(before + line)
  }
  const heading = (text: string): void => {
    out('')
    out(strong(`${text} ${'─'.repeat(Math.max(0, columnsMax - text.length - 1))}`))
  }
  const field = (name: string, value: string): void => {
    const [first = '', ...rest] = wrap(value, columnsMax - indent.length * 2 - nameWidth)
    const label = name.padEnd(nameWidth)
    out(`${indent}${indent}${faint(name.length < nameWidth ? label : `${name} `)}${first}`)
    for (const line of rest) out(`${indent}${indent}${' '.repeat(nameWidth)}${line}`)
  }
  const lines = (list: readonly Line[]): void => {
    for (const { name, value, inside } of list) {
      field(name, value)
      if (inside !== undefined) field('', inside)
    }
  }
  const asked = ({ request }: Message): void => {
    if (request !== undefined) wrapped(`→ ${request.method} ${request.url}`, indent)
  }
  const whole = (message: Message): void => {
    asked(message)
    lines(message.request?.lines ?? [])
    if (message.answer === undefined) return
    out(`${indent}← ${message.answer.status}`)
    lines(message.answer.lines)
  }
  const short = (message: Message): void => {
    asked(message)
    lines(message.request?.lines.filter(({ name }) => !silent.has(name)) ?? [])
    const { status, lines: answered } = message.answer ?? { status: 0, lines: [] }
    const location = answered.find(({ name }) => name === 'Location')?.value
    wrapped(`← ${status} ${location === undefined ? 'a page' : `to ${location}`}`, indent)
  }
  return {
    opening: ({ issuer, clientId, says }) => {
      out(strong(`Holdfast demo: ${clientId} (${says}) at ${issuer}`))
      out(faint('An independent client library does the talking. Of credentials only the ends are shown.'))
      heading('ACT 1  The chain')
    },
    step: ({ number, title, says, messages, notes }) => {
      out('')
      out(strong(`${String(number).padStart(2)}  ${title}`))
      wrapped(says, indent)
      for (const message of messages) (messages.length > 1 ? short : whole)(message)
      for (const note of notes)
        for (const line of wrap(note, columnsMax - 6)) out(faint(`${indent}· ${line}`))
    },
    attack: attack => {
      if (act === undefined) heading('ACT 2  The thief')
      if (act !== attack.act) {
        out('')
        out(actTitles[attack.act])
      }
      act = attack.act
      attacks += 1
      out('')
      out(strong(`${String(attacks).padStart(2)}  ${attack.title}`))
      asked(attack.message)
      lines(attack.message.request?.lines.filter(({ name }) => telling.has(name)) ?? [])
      const verdict = attack.asExpected ? 'refused' : 'NOT AS EXPECTED'
      out(`${indent}← ${attack.status} ${attack.error}   ${strong(verdict)}`)
      field('rule', [attack.ruleId, attack.ruleTitle].filter(text => text !== '').join(': '))
      for (const { id, says } of attack.clauses) field('clause', says === '' ? id : `${id}: ${says}`)
      field('reason', attack.reason)
      field('reference', attack.reference)
      const { event, outcome, chain, sequence, hash } = attack.record
      const alert = outcome === 'alert' ? ' (alert)' : ''
      field('audit record', `${event}${alert}, ${sequence} in ${chain}, ${hash.slice(0, 8)}…`)
      for (const { says, seen } of attack.aftermath) field('and now', `${says}: ${seen}`)
    },
    closing: ({ attacks: all, differences }) => {
      heading('In the end')
      const refused = all.filter(({ asExpected }) => asExpected).length
      out(strong(`${refused} of ${all.length} attacks were refused as expected.`))
      for (const difference of differences) wrapped(difference, indent)
      const reference = all[0]?.reference
      out('')
      if (reference !== undefined) out(`npx holdfast explain ${reference}   what happened, with all facts`)
      out('npx holdfast audit verify                    that no record was changed since')
      out('npx holdfast demo --client pki-mtls          the same with certificates')
    },
  }
}

/** Lines of at most `width` characters; a word that is longer is cut where the line ends. */
function wrap(text: string, width: number): readonly string[] {
  const done: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    let rest = word
    if (line !== '' && line.length + 1 + rest.length <= width) {
      line = `${line} ${rest}`
      continue
    }
    if (line !== '') done.push(line)
    for (; rest.length > width; rest = rest.slice(width)) done.push(rest.slice(0, width))
    line = rest
  }
  return [...done, line]
}
