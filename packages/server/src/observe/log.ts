import pino from 'pino'
import type { Log } from '../ports.ts'

export interface LogOptions {
  readonly level: 'info' | 'warn' | 'error' | 'silent'
  /** Where lines go; standard output when absent. */
  readonly destination?: { readonly write: (line: string) => void }
}

/** Names whose values never leave the process, wherever they stand in `fields` (I29). */
const secretNames: ReadonlySet<string> = new Set([
  'accesstoken',
  'assertion',
  'authorization',
  'clientassertion',
  'clientsecret',
  'code',
  'codeverifier',
  'cookie',
  'dpop',
  'idtoken',
  'password',
  'privatekey',
  'proof',
  'refreshtoken',
  'secret',
  'setcookie',
  'token',
])
/** `code` is also the code of a fault: dotted lower-case words are never a credential of ours. */
const faultCode = /^[a-z]+(?:[.-][a-z]+)*$/

/** What looks like a JWT, a handle of ours or a PEM block, in any text. */
const secretShapes =
  /eyJ[\w-]{8,}\.[\w-]*\.?[\w-]*|\b(?:at|rt|ac)_[\w-]{16,}|-----BEGIN [^-]+-----[\s\S]*?(?:-----END [^-]+-----|$)/g

const depthMax = 6
const textMax = 4000

/** The second line of defence: callers pass no credential, and one that slips in is blanked before it is written. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.slice(0, textMax).replaceAll(secretShapes, '[redacted]')
  if (typeof value !== 'object' || value === null) return value
  if (depth >= depthMax) return '[deep]'
  if (Buffer.isBuffer(value)) return `[${value.length} bytes]`
  if (value instanceof Error) return redact(value.stack ?? value.message, depth + 1)
  if (Array.isArray(value)) return value.map(member => redact(member, depth + 1))
  const clean: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value))
    clean[name] = isSecret(name, member) ? '[redacted]' : redact(member, depth + 1)
  return clean
}

function isSecret(name: string, value: unknown): boolean {
  const plain = name.toLowerCase().replaceAll(/[_-]/g, '')
  if (!secretNames.has(plain)) return false
  return !(plain === 'code' && typeof value === 'string' && faultCode.test(value))
}

/** One JSON line per event. */
export function openLog(options: LogOptions): Log {
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    messageKey: 'event',
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const logger = options.destination === undefined ? pino(settings) : pino(settings, options.destination)
  const write =
    (level: 'info' | 'warn' | 'error'): Log['info'] =>
    (event, fields = {}) => {
      if (logger.isLevelEnabled(level)) logger[level](redact(fields), event)
    }
  return { info: write('info'), warn: write('warn'), error: write('error') }
}
