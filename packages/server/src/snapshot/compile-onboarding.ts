import type { EpochSeconds } from '@holdfast/protocol'
import type { DocumentOf } from '../control/document.ts'
import { approvedKeys, brokenOnboarding, onboardingEndsAt } from '../control/onboarding/state.ts'
import type { Problem } from '../control/problem.ts'
import type { OnboardedAs, Onboarding } from './onboarded.ts'
import type { Withheld } from './snapshot.ts'

type RecordDocument = DocumentOf<'ClientOnboarding'>

/** By which record each client is served or held back. */
export function compileOnboarding(
  records: readonly RecordDocument[],
  { isRequired, clients }: { readonly isRequired: boolean; readonly clients: ReadonlyMap<string, unknown> },
  problems: Problem[],
): Onboarding {
  const standing = records.filter(({ spec: { state } }) => state === 'active' || state === 'suspended')
  problems.push(...unsound(records), ...homeless(standing, clients), ...doubled(standing))
  const retired = records.filter(({ spec }) => spec.state === 'retired' && spec.activated !== undefined)
  // One that stands comes last: it counts, whatever was retired before it.
  const onboarded = [...retired, ...standing].map(
    record => [record.spec.content.client, asOf(record)] as const,
  )
  return { isRequired, records: new Map(onboarded) }
}

const held: Readonly<Partial<Record<RecordDocument['spec']['state'], Withheld>>> = {
  suspended: { kind: 'suspended', reason: 'is suspended by its onboarding' },
  retired: { kind: 'retired', reason: 'is retired by its onboarding' },
}

function asOf({ spec }: RecordDocument): OnboardedAs {
  return {
    withheld: held[spec.state],
    registration: spec.content.registration,
    legalName: spec.content.legalEntity.name,
    keys: approvedKeys(spec),
    endsAt: onboardingEndsAt(spec) as EpochSeconds,
  }
}

/** Verdicts by content: a revision judges every record again, and most of them did not change. */
const judged = new WeakMap<
  RecordDocument['spec'],
  { readonly name: string; readonly why: string | undefined }
>()

function whyBroken({ name, spec }: RecordDocument): string | undefined {
  const known = judged.get(spec)
  if (known?.name === name) return known.why
  const why = brokenOnboarding(name, spec)
  judged.set(spec, { name, why })
  return why
}

function unsound(records: readonly RecordDocument[]): readonly Problem[] {
  return records.flatMap(record => {
    const message = whyBroken(record)
    const document = `ClientOnboarding/${record.name}`
    return message === undefined ? [] : [{ document, field: 'spec', message, ruleId: 'onboarding.steps' }]
  })
}

/** Who takes the name of a client that is gone must not find its approvals. */
function homeless(
  standing: readonly RecordDocument[],
  clients: ReadonlyMap<string, unknown>,
): readonly Problem[] {
  return standing
    .filter(({ spec }) => !clients.has(spec.content.client))
    .map(({ name, spec: { content, state } }) => ({
      document: `ClientOnboarding/${name}`,
      field: 'spec.content.client',
      message: `is ${state}, and the client \`${content.client}\` is not there: retire the onboarding first`,
    }))
}

function doubled(standing: readonly RecordDocument[]): readonly Problem[] {
  const seen = new Set<string>()
  return standing.flatMap(({ name, spec: { content } }) => {
    const isSecond = seen.has(content.client)
    seen.add(content.client)
    const message = `stands beside another one of \`${content.client}\``
    return isSecond ? [{ document: `ClientOnboarding/${name}`, field: 'spec.state', message }] : []
  })
}
