import type { DocumentOf } from '../control/document.ts'
import type { Problem } from '../control/problem.ts'
import { unknownName } from '../control/suggestion.ts'
import type { AuthorizationDetailsType, ResourceServer, Scope } from './snapshot.ts'

export interface OperationsContext {
  /** By document name. */
  readonly resources: ReadonlyMap<string, ResourceServer>
  readonly scopes: ReadonlyMap<string, Scope>
  readonly detailTypes: ReadonlyMap<string, AuthorizationDetailsType>
}

/** What is wrong with the catalogues: everything they name exists and belongs to their API, and nothing stands twice. */
export function operationsProblems(
  documents: readonly DocumentOf<'ApiOperations'>[],
  context: OperationsContext,
): readonly Problem[] {
  return documents.flatMap(catalogue => {
    const document = `ApiOperations/${catalogue.name}`
    const server = context.resources.get(catalogue.name)
    if (server === undefined)
      return [unknownName(document, 'metadata.name', 'resource server', catalogue.name, context.resources)]
    return [...twice(document, catalogue), ...strangers(document, catalogue, server, context)]
  })
}

function twice(document: string, { spec }: DocumentOf<'ApiOperations'>): readonly Problem[] {
  const problems: Problem[] = []
  const seen = { id: new Set<string>(), path: new Set<string>() }
  const note = (kind: keyof typeof seen, key: string, index: number): void => {
    if (seen[kind].has(key))
      problems.push({
        document,
        field: `spec.operations[${index}].${kind}`,
        message: `\`${key}\` stands twice`,
      })
    seen[kind].add(key)
  }
  for (const [index, { id, method, path }] of spec.operations.entries()) {
    note('id', id, index)
    // How a segment is called makes no other request of it.
    note('path', `${method} ${path.replaceAll(/\{[^}]*\}/g, '{}')}`, index)
  }
  return problems
}

function strangers(
  document: string,
  { name, spec }: DocumentOf<'ApiOperations'>,
  server: ResourceServer,
  { scopes, detailTypes }: OperationsContext,
): readonly Problem[] {
  const judge = (
    field: string,
    what: string,
    one: string,
    isOwn: boolean,
    known: ReadonlyMap<string, unknown>,
  ) => {
    if (!known.has(one)) return [unknownName(document, field, what, one, known)]
    return isOwn ? [] : [{ document, field, message: `the ${what} \`${one}\` is not one of \`${name}\`` }]
  }
  return spec.operations.flatMap(({ coveredBy }, operation) =>
    coveredBy.flatMap((way, index) => {
      const place = `spec.operations[${operation}].coveredBy[${index}]`
      return [
        ...way.scopes.flatMap((scope, at) =>
          judge(`${place}.scopes[${at}]`, 'scope', scope, server.scopes.includes(scope), scopes),
        ),
        ...way.authorizationDetailsTypes.flatMap((type, at) =>
          judge(
            ...([
              `${place}.authorizationDetailsTypes[${at}]`,
              'type of authorization details',
              type,
            ] as const),
            detailTypes.get(type)?.audience === server.audience,
            detailTypes,
          ),
        ),
      ]
    }),
  )
}
