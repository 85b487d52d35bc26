import type { IncomingMessage } from 'node:http'
import { accept, firstRefusal, type Outcome } from '@holdfast/protocol'
import {
  checkIdHeader,
  checkKeyHeader,
  checkRules,
  describingFields,
} from '@holdfast/protocol/specs/holdfast-check/rules.ts'
import { isHopByHop } from '@holdfast/protocol/specs/holdfast-gateway/rules.ts'
import { headerValues } from '@holdfast/resource-server/adapters/node.ts'
import type { Asked } from '../desk.ts'

/** Path of the forward-auth form: the request stands in `X-Forwarded-*`. */
export const forwardAuthPath = '/check'
/** Prefix of the ext_authz form: the question is the request itself, without its body. */
export const extAuthzPrefix = '/envoy'

/** What a proxy asks: may this request go on? */
export interface Question {
  readonly asked: Asked
  /** Undefined when the proxy does not number its requests. */
  readonly id: string | undefined
}

/** Of the question itself; the request that is asked about has its own. */
const carrying: ReadonlySet<string> = new Set([
  'content-length',
  'expect',
  'host',
  checkIdHeader,
  checkKeyHeader,
  ...describingFields,
])

/** @returns undefined when the path is none of a check */
export function questionOf(incoming: IncomingMessage, isListed: boolean): Outcome<Question> | undefined {
  const { rawHeaders, url = '' } = incoming
  const values = (name: string): readonly string[] => headerValues(rawHeaders, name)
  // Some proxies leave the query of the request on the path they were told.
  const described =
    url.split('?', 1)[0] === forwardAuthPath ? byForwardAuth(values) : byExtAuthz(incoming, values)
  if (described === undefined) return undefined
  const { methods, hosts, targets } = described
  const ids = values(checkIdHeader)
  const refusal = firstRefusal(checkRules, {
    ...{ isListed, methods, hosts, targets, ids },
    schemes: values('x-forwarded-proto'),
    names: rawHeaders.filter((_, index) => index % 2 === 0).map(name => name.toLowerCase()),
    hasBody: values('content-length').some(value => value !== '0') || values('transfer-encoding').length > 0,
  })
  if (refusal !== undefined) return refusal
  return accept({
    id: ids[0],
    asked: {
      // How the client spoke to the proxy is the proxy's business; of what it passed on, one reading is asked for.
      httpVersion: '1.1',
      method: methods[0] ?? '',
      url: targets[0] ?? '',
      rawHeaders: ['host', hosts[0] ?? '', ...askedFields(rawHeaders)],
    },
  })
}

interface Described {
  readonly methods: readonly string[]
  readonly hosts: readonly string[]
  readonly targets: readonly string[]
}

type Values = (name: string) => readonly string[]

function byForwardAuth(values: Values): Described {
  return {
    methods: values('x-forwarded-method'),
    hosts: values('x-forwarded-host'),
    targets: values('x-forwarded-uri'),
  }
}

function byExtAuthz({ method = '', url = '' }: IncomingMessage, values: Values): Described | undefined {
  if (!url.startsWith(`${extAuthzPrefix}/`)) return undefined
  return { methods: [method], hosts: values('host'), targets: [url.slice(extAuthzPrefix.length)] }
}

function askedFields(rawHeaders: readonly string[]): string[] {
  const fields: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const lower = name.toLowerCase()
    if (!carrying.has(lower) && !isHopByHop(lower)) fields.push(name, rawHeaders[index + 1] ?? '')
  }
  return fields
}
