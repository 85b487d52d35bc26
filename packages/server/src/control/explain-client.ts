import { explain, type SecurityProfile, profiles as shippedProfiles } from '@holdfast/protocol'
import type { IssuerBinding, PlacedDocument } from '../snapshot/compile.ts'
import { compileProfiles } from '../snapshot/compile-profiles.ts'
import type { ClientExplanation } from './admin-api.ts'
import type { DocumentOf } from './document.ts'
import type { KindName } from './resources/index.ts'

type OfKind = <K extends KindName>(kind: K) => readonly DocumentOf<K>[]

/** Also a client that registered itself: its policy says the profile and the resources. */
function clientOf(
  ofKind: OfKind,
  clientId: string,
): { readonly spec: { readonly profile: string; readonly resources: readonly string[] } } | undefined {
  const written = ofKind('Client').find(document => document.name === clientId)
  const registered = ofKind('RegisteredClient').find(document => document.name === clientId)
  return written ?? (registered && { spec: registered.spec.policy })
}

/** The strictest profile a request of this client can meet, with who decided each field; undefined: no such client. */
export function explainClient(
  documents: readonly PlacedDocument[],
  { url, name }: IssuerBinding,
  clientId: string,
): ClientExplanation | undefined {
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
  const floor = ofKind('Issuer')[0]?.spec.floor ?? 'fapi2-security'
  const resources = ofKind('ResourceServer').filter(document => client.spec.resources.includes(document.name))
  const [first, ...rest] = [
    ...labelled(`issuer ${name}`, floor),
    ...labelled(`client ${clientId}`, client.spec.profile),
    ...resources.flatMap(({ name: resource, spec }) => labelled(`resource ${resource}`, spec.profile)),
  ]
  return first === undefined ? undefined : { clientId, issuer: url, fields: explain([first, ...rest]) }
}
