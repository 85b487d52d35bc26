import { heldKeysMax } from '../../key-report.ts'
import { fail, pass, type Rule } from '../../rule.ts'

/** What a verifier says of itself, as lists of its form parameters. */
export interface KeyReportInput {
  readonly instance: string | undefined
  /** Undefined when the parameter is missing; a verifier without a key has nothing to report. */
  readonly keys: readonly string[] | undefined
  readonly verified: readonly string[]
  readonly unverified: readonly string[]
}

const thumbprint = /^[A-Za-z0-9_-]{43}$/
const instanceName = /^[A-Za-z0-9_-]{22}$/

/** @returns undefined for a missing parameter; an empty text is an empty list */
export function splitThumbprints(text: string | undefined): readonly string[] | undefined {
  return text === undefined ? undefined : text === '' ? [] : text.split(' ')
}

export const keyReportRules: readonly Rule<KeyReportInput>[] = [
  {
    id: 'key-report.instance',
    clauses: ['HFK-1'],
    level: 'MUST',
    title: 'the process names itself',
    check: ({ instance }) =>
      instance !== undefined && instanceName.test(instance)
        ? pass
        : fail('invalid_request', '`instance` is not 22 characters of base64url'),
  },
  {
    id: 'key-report.keys',
    clauses: ['HFK-2'],
    level: 'MUST',
    title: 'the keys held are thumbprints, bounded and without repeats',
    check: ({ keys }) =>
      keys !== undefined && keys.length > 0 && isListOfThumbprints(keys)
        ? pass
        : fail('invalid_request', `\`keys\` is not a list of 1 to ${heldKeysMax} different thumbprints`),
  },
  {
    id: 'key-report.outcome',
    clauses: ['HFK-3'],
    level: 'MUST',
    title: 'what was verified or not is held, and no key is both',
    check: ({ keys = [], verified, unverified }) => {
      const outcomes = [...verified, ...unverified]
      return isListOfThumbprints(outcomes) && outcomes.every(kid => keys.includes(kid))
        ? pass
        : fail('invalid_request', '`verified` and `unverified` are not parts of `keys` without overlap')
    },
  },
]

function isListOfThumbprints(list: readonly string[]): boolean {
  return (
    list.length <= heldKeysMax &&
    new Set(list).size === list.length &&
    list.every(one => thumbprint.test(one))
  )
}

/** Most live processes of one client that are remembered. */
export const instancesPerClientMax = 256

export interface KeyReporterInput {
  readonly instance: string
  /** Live processes of the client. */
  readonly instances: readonly string[]
}

export const keyReporterRules: readonly Rule<KeyReporterInput>[] = [
  {
    id: 'key-report.instances',
    clauses: ['HFK-4'],
    level: 'MUST',
    title: 'a client has a bounded number of live verifiers',
    check: ({ instance, instances }) =>
      instances.length < instancesPerClientMax || instances.includes(instance)
        ? pass
        : fail('temporarily_unavailable', `the client has ${instancesPerClientMax} live verifiers`),
  },
]
