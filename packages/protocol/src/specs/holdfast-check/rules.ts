import { fail, pass, type Rule, type Verdict } from '../../rule.ts'
import { evidenceHeader, phantomHeader } from '../holdfast-evidence/rules.ts'

/** Carries the key that a proxy without a certificate shares with the gateway. */
export const checkKeyHeader = 'holdfast-check-key'
/** Names one request of a client, chosen by the proxy: a check that is asked again under it is the same check. */
export const checkIdHeader = 'holdfast-check-id'

/** Fewest characters of a shared key: 256 bits in base64url. */
export const checkKeyCharactersMin = 43

/** What a proxy says about a request; nobody else may. */
export const describingFields: readonly string[] = [
  'x-forwarded-method',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-uri',
  'x-forwarded-for',
  'client-cert',
]
const ownFields: ReadonlySet<string> = new Set([...describingFields, checkKeyHeader, checkIdHeader])
const answeredFields: ReadonlySet<string> = new Set([
  phantomHeader,
  evidenceHeader,
  'holdfast-client-id',
  'holdfast-subject',
  'holdfast-scope',
])

/** One question of a proxy, before the request in it is looked at. */
export interface CheckInput {
  /** Whether the certificate of the connection is listed, or the key is right. */
  readonly isListed: boolean
  readonly methods: readonly string[]
  readonly schemes: readonly string[]
  readonly hosts: readonly string[]
  readonly targets: readonly string[]
  readonly ids: readonly string[]
  /** Names of all fields, lower case. */
  readonly names: readonly string[]
  readonly hasBody: boolean
}

const reject = (reason: string): Verdict => fail('invalid_request', reason)

export const checkRules: readonly Rule<CheckInput>[] = [
  {
    id: 'check.caller',
    clauses: ['HFC-1'],
    level: 'MUST',
    title: 'the proxy that asks has a listed certificate or the shared key',
    check: ({ isListed }) => (isListed ? pass : reject('the caller is not a listed proxy')),
  },
  {
    id: 'check.described',
    clauses: ['HFC-2'],
    level: 'MUST',
    title: 'method, scheme, host and target are each said once',
    check: ({ methods, schemes, hosts, targets }) =>
      [methods, schemes, hosts, targets].every(values => values.length === 1)
        ? pass
        : reject('method, scheme, host or target of the request is not said once'),
  },
  {
    id: 'check.spelling',
    clauses: ['HFC-2'],
    level: 'MUST',
    title: 'no field of the proxy stands there in another spelling',
    check: ({ names }) =>
      names.some(name => name !== folded(name) && ownFields.has(folded(name)))
        ? reject('a field of the proxy stands there in another spelling')
        : pass,
  },
  {
    id: 'check.forged',
    clauses: ['HFC-4'],
    level: 'MUST',
    title: 'the request has no field that only Holdfast answers with, in any spelling',
    check: ({ names }) =>
      names.some(name => answeredFields.has(folded(name)))
        ? reject('the request brings evidence of its own')
        : pass,
  },
  {
    id: 'check.scheme',
    clauses: ['HFC-3'],
    level: 'MUST',
    title: 'the request came over https',
    check: ({ schemes }) => (schemes[0] === 'https' ? pass : reject('the request did not come over https')),
  },
  {
    id: 'check.id',
    clauses: ['HFC-5'],
    level: 'MUST',
    title: 'there is at most one check id, of 16 to 128 plain characters',
    check: ({ ids }) =>
      ids.length === 0 || (ids.length === 1 && /^[\w.:-]{16,128}$/.test(ids[0] ?? ''))
        ? pass
        : reject('the check id is there twice, too short, too long or not plain'),
  },
  {
    id: 'check.body',
    clauses: ['HFC-7'],
    level: 'MUST',
    title: 'the question has no body',
    check: ({ hasBody }) => (hasBody ? reject('the question has a body') : pass),
  },
]

/** A name as a server might read it that takes `_` and `.` for `-`. */
function folded(name: string): string {
  return name.replaceAll(/[^a-z0-9]/g, '-')
}
