import type { SecurityProfile } from '@holdfast/protocol'
import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import { judgeDetails } from '@holdfast/protocol/specs/rfc9396-rar/rules.ts'
import type { DocumentOf } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'
import type { ClientSpec } from '../control/resources/client.ts'
import { unknownName } from '../control/suggestion.ts'
import type { ProfileTable } from './compile-profiles.ts'
import type { AuthorizationDetailsType, ResourceServer } from './snapshot.ts'

interface TypeContext {
  readonly table: ProfileTable
  /** By document name. */
  readonly resources: ReadonlyMap<string, ResourceServer>
  readonly problems: Problem[]
}

/** Types of `authorization_details` by name. */
export function compileDetailTypes(
  documents: readonly DocumentOf<'AuthorizationDetailsType'>[],
  { table, resources, problems }: TypeContext,
): ReadonlyMap<string, AuthorizationDetailsType> {
  const compiled = new Map<string, AuthorizationDetailsType>()
  for (const { name, spec } of documents) {
    const document = `AuthorizationDetailsType/${name}`
    const server = resources.get(spec.resourceServer)
    if (server === undefined)
      problems.push(
        unknownName(document, 'spec.resourceServer', 'resource server', spec.resourceServer, resources),
      )
    const { title, description, fields } = spec
    const profile = namedProfile(document, spec.profile, table, problems)
    compiled.set(name, { name, title, description, fields, audience: server?.audience ?? '', profile })
  }
  return compiled
}

/** The profile a document attaches to what it describes. */
export function namedProfile(
  document: string,
  name: string | undefined,
  table: ProfileTable,
  problems: Problem[],
): SecurityProfile | undefined {
  const profile = name === undefined ? undefined : table.get(name)
  if (name !== undefined && profile === undefined)
    problems.push(unknownName(document, 'spec.profile', 'profile', name, table))
  return profile
}

interface ClientDetailsContext {
  readonly detailTypes: ReadonlyMap<string, AuthorizationDetailsType>
  readonly resources: ReadonlyMap<string, ResourceServer>
}

/** What is wrong with the types a client registered and with what it may be given in its own name. */
export function clientDetailsProblems(
  document: string,
  spec: ClientSpec,
  context: ClientDetailsContext,
): readonly Problem[] {
  const clientTypes = spec.metadata.authorization_details_types ?? []
  const clientResources = spec.resources.flatMap(name => context.resources.get(name)?.audience ?? [])
  const problems: Problem[] = []
  for (const [index, name] of clientTypes.entries()) {
    const field = `spec.metadata.authorization_details_types[${index}]`
    const type = context.detailTypes.get(name)
    if (type === undefined)
      problems.push(unknownName(document, field, 'type of authorization details', name, context.detailTypes))
    else if (!clientResources.includes(type.audience)) {
      const message = `\`${name}\` belongs to a resource server that \`spec.resources\` does not name`
      problems.push({ document, field, message })
    }
  }
  const own = spec.ownAuthorizationDetails
  if (own.length === 0) return problems
  const judged = judgeDetails(JSON.stringify(own), {
    types: context.detailTypes,
    clientTypes,
    clientResources,
  })
  if (!judged.ok) {
    const { reason: message, ruleId, clauses, error } = judged
    problems.push({ document, field: 'spec.ownAuthorizationDetails', message, ruleId, clauses, error })
  }
  if (!(spec.metadata.grant_types ?? []).includes('client_credentials'))
    problems.push({
      document,
      field: 'spec.ownAuthorizationDetails',
      message:
        'the client did not register `client_credentials`, so it is never given anything in its own name',
    })
  return problems
}

/** Judged by `clientDetailsProblems`. */
export function ownDetailsOf({ ownAuthorizationDetails }: ClientSpec): readonly AuthorizationDetail[] {
  return ownAuthorizationDetails as unknown as readonly AuthorizationDetail[]
}
