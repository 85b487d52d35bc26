import { X509Certificate } from 'node:crypto'
import type { EpochSeconds, SecurityProfile } from '@holdfast/protocol'
import { importPublicJwk } from '@holdfast/protocol/jose/keys.ts'
import { certificateThumbprint } from '@holdfast/protocol/jose/thumbprint.ts'
import { matchesSubject } from '../../data/client-auth/subject.ts'
import { anchorOf } from '../../data/client-auth/trust-anchors.ts'
import { judgeStatement } from '../../data/register/statement.ts'
import { Fault, type Outbound } from '../../ports.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { type ControlDocument, canonicalJson, ofKind } from '../document.ts'
import type { ClientSpec } from '../resources/client.ts'
import type { ClientOnboardingSpec, OnboardingContent } from '../resources/client-onboarding.ts'
import type { CheckFacts, ReadCertificate } from './check.ts'
import { neededTier } from './needed-tier.ts'
import { movedNow, registrationNow } from './registration-now.ts'

type Jwk = Readonly<Record<string, unknown>>

/** What is fetched for a check: no more than for a client that is served. */
const limits = { bytesMax: 128 * 1024, timeoutMs: 3000 } as const
const keysMax = 20

export interface CheckGround {
  readonly spec: ClientOnboardingSpec
  readonly client: ClientSpec
  readonly own: readonly ControlDocument[]
  /** As it would be served. */
  readonly issuer: IssuerSnapshot
  readonly outbound: Pick<Outbound, 'getJson'>
  readonly now: EpochSeconds
}

/** Asks everybody who has to be asked; what does not answer is a fact, too. */
export async function gatherFacts(ground: CheckGround): Promise<CheckFacts> {
  const { spec, client, own, issuer, now } = ground
  const { content } = spec
  const served = issuer.clients.get(content.client)
  if (served === undefined) throw new TypeError('a client that compiles is in its issuer')
  const keys = await keysOf(client, ground.outbound)
  const statement = statementOf(content, client, issuer, now)
  return {
    ...{ content, spec: client, now, neededTier: neededTier(own, client), moved: movedNow(spec, own) },
    profile: strictestProfile(content, own, issuer, served),
    ...keys,
    certificates: certificatesOf(content, client, keys.keys, { issuer, served, now }),
    statementProblem: statement.problem,
    statementDiffers: statement.differs,
    sharedWith: sharingWith(content.client, own),
  }
}

/** As strict as any request of the client: it is judged before its first one. */
function strictestProfile(
  { client }: OnboardingContent,
  own: readonly ControlDocument[],
  issuer: IssuerSnapshot,
  served: Client,
): SecurityProfile {
  const registered = registrationNow(own, client)
  const scopes = String(registered?.metadata.scope ?? '').split(' ')
  const types = (registered?.metadata.authorization_details_types ?? []) as readonly string[]
  const details = types.map(type => ({ type }))
  const met = issuer.effectiveProfile(served, { audiences: registered?.audiences ?? [], scopes, details })
  return met.ok ? met.value : served.profile
}

async function keysOf(
  { metadata: { jwks, jwks_uri: uri } }: ClientSpec,
  outbound: CheckGround['outbound'],
): Promise<Pick<CheckFacts, 'keys' | 'jwksUriProblem'>> {
  if (uri === undefined) return { keys: jwks?.keys ?? [], jwksUriProblem: undefined }
  try {
    const document = await outbound.getJson(uri, limits)
    const listed = isObject(document) && Array.isArray(document.keys) ? document.keys : undefined
    if (listed === undefined) return { keys: [], jwksUriProblem: 'the answer is no key set' }
    if (listed.length > keysMax) return { keys: [], jwksUriProblem: `the set has more than ${keysMax} keys` }
    return { keys: listed.filter(isObject), jwksUriProblem: undefined }
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    return { keys: [], jwksUriProblem: thrown.message }
  }
}

interface CertificateGround {
  readonly issuer: IssuerSnapshot
  readonly served: Client
  readonly now: EpochSeconds
}

/** Of the record, and where the key set itself is the credential, those in it. */
function certificatesOf(
  { certificates }: OnboardingContent,
  { metadata }: ClientSpec,
  keys: readonly Jwk[],
  { issuer, served, now }: CertificateGround,
): readonly ReadCertificate[] {
  const isPki = metadata.token_endpoint_auth_method === 'tls_client_auth'
  const written = certificates.map((pem, index) => {
    const certificate = readCertificate(pem)
    const field = `certificates[${index}]`
    if (certificate === undefined || !isPki) return describe(field, certificate, true, true)
    const der = Buffer.from(certificate.raw)
    const peer = { der, thumbprint: certificateThumbprint(der) }
    const subject = served.tlsClientAuth
    const matches = subject !== undefined && matchesSubject(peer, subject)
    return describe(field, certificate, anchorOf(certificate, issuer, now) !== undefined, matches)
  })
  if (metadata.token_endpoint_auth_method !== 'self_signed_tls_client_auth') return written
  const registered = keys.flatMap(({ x5c }, index) => {
    const [first] = Array.isArray(x5c) ? (x5c as readonly unknown[]) : []
    const der = typeof first === 'string' ? Buffer.from(first, 'base64') : undefined
    if (der === undefined) return []
    const certificate = readCertificate(der)
    return [describe(`keys[${index}].x5c`, certificate, true, isOfKey(certificate, keys[index]))]
  })
  return [...written, ...registered]
}

function describe(
  field: string,
  certificate: X509Certificate | undefined,
  isTrustedHere: boolean,
  isOfSubject: boolean,
): ReadCertificate {
  const seconds = (text: string | undefined): number => Math.floor(Date.parse(text ?? '') / 1000) || 0
  return {
    ...{
      field,
      isReadable: certificate !== undefined,
      isTrusted: isTrustedHere,
      matchesSubject: isOfSubject,
    },
    notBefore: seconds(certificate?.validFrom),
    notAfter: seconds(certificate?.validTo),
  }
}

function isOfKey(certificate: X509Certificate | undefined, jwk: Jwk | undefined): boolean {
  const key = importPublicJwk({ ...jwk, x5c: undefined })
  return certificate !== undefined && key.ok && certificate.publicKey.equals(key.value.keyObject)
}

function readCertificate(data: string | Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(data)
  } catch {
    return undefined
  }
}

/** Members that a statement may say and the client decides. */
const notStated: readonly string[] = ['jwks', 'contacts', 'software_version']

/** Whether the statement counts here, and in what the client is registered for more or for something else. */
function statementOf(
  { softwareStatement }: OnboardingContent,
  { metadata }: ClientSpec,
  issuer: IssuerSnapshot,
  now: EpochSeconds,
): { readonly problem: string | undefined; readonly differs: readonly string[] } {
  if (softwareStatement === undefined) return { problem: undefined, differs: [] }
  const judged = judgeStatement(softwareStatement, issuer, now)
  if (!judged.ok) return { problem: judged.reason, differs: [] }
  const registered = metadata as Readonly<Record<string, unknown>>
  const differs = Object.entries(judged.value.stated.metadata).filter(
    ([member, stated]) => !notStated.includes(member) && !isWithin(registered[member], stated),
  )
  return { problem: undefined, differs: differs.map(([member]) => member) }
}

function isWithin(registered: unknown, stated: unknown): boolean {
  if (Array.isArray(stated) && Array.isArray(registered)) return registered.every(one => stated.includes(one))
  return registered !== undefined && canonicalJson(registered) === canonicalJson(stated)
}

/** Loopback addresses and schemes of native clients are everybody's; an https address is one client's. */
function sharingWith(client: string, own: readonly ControlDocument[]): (uri: string) => string | undefined {
  const others = [
    ...ofKind(own, 'Client'),
    ...ofKind(own, 'RegisteredClient').filter(({ spec }) => spec.status !== 'deleted'),
  ].filter(({ name }) => name !== client)
  return uri =>
    uri.startsWith('https:')
      ? others.find(({ spec }) => spec.metadata.redirect_uris?.includes(uri))?.name
      : undefined
}

function isObject(value: unknown): value is Jwk {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
