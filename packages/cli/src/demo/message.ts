import { readJws, shownUrl, shownValue } from './abbreviate.ts'
import type { Line, Message } from './transcript.ts'
import { type Exchange, membersOf } from './wire.ts'

/** Request headers worth a look, in the order they are shown. */
const requestHeaders = ['authorization', 'dpop', 'cookie']
const answerHeaders = ['location', 'dpop-nonce', 'www-authenticate', 'set-cookie']
const timeMembers: ReadonlySet<string> = new Set(['exp', 'iat', 'nbf', 'auth_time'])
const valueCharactersMax = 400

/** One exchange with every credential cut. */
export function messageOf(exchange: Exchange): Required<Message> {
  const { method, url, headers, form, status } = exchange
  const sent = requestHeaders.flatMap(name => lineOf(nameOfHeader(name), headers[name], exchange))
  const query = [...new URL(url).searchParams].flatMap(([name, value]) => lineOf(name, value, exchange))
  const parameters = Object.entries(form).flatMap(([name, value]) => lineOf(name, value, exchange))
  const got = answerHeaders.flatMap(name =>
    lineOf(nameOfHeader(name), exchange.answerHeaders.get(name) ?? undefined, exchange),
  )
  const members = Object.entries(membersOf(exchange)).flatMap(([name, value]) =>
    lineOf(name, textOf(name, value), exchange),
  )
  return {
    request: { method, url: shownUrl(url.split('?')[0] ?? ''), lines: [...sent, ...query, ...parameters] },
    answer: { status, lines: [...got, ...members] },
  }
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'number' && timeMembers.has(name))
    return `${value} (${new Date(value * 1000).toISOString().replace('.000', '')})`
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function nameOfHeader(name: string): string {
  if (name === 'dpop') return 'DPoP'
  return name.replaceAll(/\b[a-z]/g, letter => letter.toUpperCase()).replace('Dpop', 'DPoP')
}

function lineOf(name: string, value: string | undefined, exchange: Exchange): readonly Line[] {
  if (value === undefined) return []
  const isUrl = name === 'Location' && URL.canParse(value, exchange.url)
  const shown = isUrl
    ? shownUrl(new URL(value, exchange.url).href)
    : shownValue(name, value).slice(0, valueCharactersMax)
  const inside = insideOf(name, value)
  return [{ name, value: shown, ...(inside !== undefined && { inside }) }]
}

/** What a signed value says, in a few words. */
function insideOf(name: string, value: string): string | undefined {
  const jws = readJws(value)
  if (jws === undefined) return undefined
  const { header, claims } = jws
  const text = (claim: string): string => String(claims[claim])
  switch (name) {
    case 'DPoP': {
      const extras = ['nonce', 'ath'].filter(claim => claims[claim] !== undefined)
      const more = extras.length === 0 ? '' : `, with ${extras.join(' and ')}`
      return `${String(header.alg)} proof of a key for ${text('htm')} ${text('htu')}${more}`
    }
    case 'client_assertion':
      return `${String(header.alg)} by ${text('iss')} for ${text('aud')}, ${Number(claims.exp) - Number(claims.iat)} s`
    case 'id_token':
      return `${String(header.alg)} by ${text('iss')} for ${text('aud')}, acr ${text('acr')}`
    default:
      return undefined
  }
}
