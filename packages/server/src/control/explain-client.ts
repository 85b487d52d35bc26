import { explain, type SecurityProfile, profiles as shippedProfiles } from '@holdfast/protocol'
import type { ClientMetadata } from '@holdfast/protocol/specs/rfc7591-client-metadata/metadata.ts'
import type { IssuerBinding, PlacedDocument } from '../snapshot/compile.ts'
import { compileProfiles } from '../snapshot/compile-profiles.ts'
import type { ClientExplanation, ExplainRequest } from './admin-api.ts'
import type { DocumentOf } from './document.ts'
import { type Checked, checked, type Problem, wrong } from './problem.ts'
import type { KindName } from './resources/index.ts'
import { unknownName } from './suggestion.ts'

type OfKind = <K extends KindName>(kind: K) => readonly DocumentOf<K>[]

/** Also a client that registered itself: its policy says the profile and the resources. */
function clientOf(ofKind: OfKind, clientId: string): Explained | undefined {
  const written = ofKind('Client').find(document => document.name === clientId)
  const registered = ofKind('RegisteredClient').find(document => document.name === clientId)
  if (registered === undefined) return written
  const { policy, metadata } = registered.spec
  return written ?? { spec: { profile: policy.profile, resources: policy.resources, metadata } }
}

interface Explained {
  readonly spec: {
    readonly profile: string
    readonly resources: readonly string[]
    readonly metadata: Pick<ClientMetadata, 'scope' | 'authorization_details_types'>
  }
}

type Tiered = Pick<DocumentOf<'Scope' | 'ResourceServer' | 'AuthorizationDetailsType'>, 'name'> & {
  readonly spec: { readonly profile?: string | undefined; readonly audience?: string }
}

/**
 * The profile of a request of this client, with who decided each field: of one that asks for what is named, or else
 * for everything the client may ask for, which is the strictest it can meet. Undefined: no such client.
 */
export function explainClient(
  documents: readonly PlacedDocument[],
  { url, name }: IssuerBinding,
  clientId: string,
  asked: ExplainRequest = {},
): Checked<ClientExplanation> | undefined {
  const own = documents.filter(({ issuerUrl }) => issuerUrl === url).map(({ document }) => document)
  const ofKind = <K extends KindName>(kind: K): readonly DocumentOf<K>[] =>
    own.filter(document => document.kind === kind) as unknown as readonly DocumentOf<K>[]
  const client = clientOf(ofKind, clientId)
  if (client === undefined) return undefined

  const table = compileProfiles(shippedProfiles, ofKind('SecurityProfile'), [])
  const labelled = (label: string, profile: string | undefined): readonly SecurityProfile[] => {
    const record = profile === undefined ? undefined : table.get(profile)
    return record === undefined ? [] : [{ ...record, name: `${label} (${record.name})` }]
  }
  const { metadata, resources } = client.spec
  const isNamed = [asked.scopes, asked.resources, asked.details].some(list => list !== undefined)
  const problems: Problem[] = []
  const profilesOf = (
    label: string,
    wanted: readonly string[] | undefined,
    has: readonly string[],
    all: readonly Tiered[],
  ): readonly SecurityProfile[] =>
    (wanted ?? (isNamed ? [] : has)).flatMap(one => {
      const found = all.find(({ name: known, spec }) => known === one || spec.audience === one)
      if (wanted !== undefined && !has.includes(found?.name ?? one))
        problems.push(unknownName(`Client/${clientId}`, '', label, one, new Map(has.map(key => [key, key]))))
      return labelled(`${label} ${found?.name ?? one}`, found?.spec.profile)
    })
  const scopes = (metadata.scope ?? '').split(' ').filter(scope => scope !== '')
  const types = metadata.authorization_details_types ?? []
  const [first, ...rest] = [
    ...labelled(`issuer ${name}`, ofKind('Issuer')[0]?.spec.floor ?? 'fapi2-security'),
    ...labelled(`client ${clientId}`, client.spec.profile),
    ...profilesOf('resource', asked.resources, resources, ofKind('ResourceServer')),
    ...profilesOf('scope', asked.scopes, scopes, ofKind('Scope')),
    ...profilesOf('details', asked.details, types, ofKind('AuthorizationDetailsType')),
  ]
  if (problems.length > 0) return wrong(...problems)
  return first === undefined
    ? undefined
    : checked({ clientId, issuer: url, fields: explain([first, ...rest]) })
}
