import { verify, type X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import { DerError, DerReader, derTag } from './der.ts'
import type { ReadList } from './read-list.ts'

/** Who may have signed lists, as far as lists are concerned. */
interface Authority {
  /** Its own Name, whole. */
  readonly subject: Buffer
  /** Whether its key may sign lists; one that says nothing of its use may (RFC 5280 section 6.3.3 f). */
  readonly maySign: boolean
}

interface ListAlgorithm {
  /** As `node:crypto` names the key's. */
  readonly keyType: string
  /** Undefined: the algorithm has its own. */
  readonly hash: string | undefined
}

/** By the hexadecimal DER of their AlgorithmIdentifiers. A list signed with SHA-1 is not believed. */
const algorithms: ReadonlyMap<string, ListAlgorithm> = new Map([
  ['300d06092a864886f70d01010b0500', { keyType: 'rsa', hash: 'sha256' }],
  ['300d06092a864886f70d01010c0500', { keyType: 'rsa', hash: 'sha384' }],
  ['300d06092a864886f70d01010d0500', { keyType: 'rsa', hash: 'sha512' }],
  ['300a06082a8648ce3d040302', { keyType: 'ec', hash: 'sha256' }],
  ['300a06082a8648ce3d040303', { keyType: 'ec', hash: 'sha384' }],
  ['300a06082a8648ce3d040304', { keyType: 'ec', hash: 'sha512' }],
  ['300506032b6570', { keyType: 'ed25519', hash: undefined }],
])

const verifyLater = promisify(
  (
    hash: string | undefined,
    data: Buffer,
    key: X509Certificate['publicKey'],
    signature: Buffer,
    done: Done,
  ) => verify(hash, data, key, signature, done),
)
type Done = (error: Error | null, result: boolean) => void

/** Whether this authority signed the list. */
export async function isSignedBy(list: ReadList, anchor: X509Certificate): Promise<boolean> {
  const algorithm = algorithms.get(list.algorithm.toString('hex'))
  if (algorithm === undefined || algorithm.keyType !== anchor.publicKey.asymmetricKeyType) return false
  const { subject, maySign } = authorityOf(anchor)
  if (!maySign || !subject.equals(list.issuer)) return false
  try {
    return await verifyLater(algorithm.hash, list.signed, anchor.publicKey, list.signature)
  } catch {
    // A signature that is none, or one of another kind of key.
    return false
  }
}

const keyUsage = '551d0f'
const cRLSign = 0x02
const explicit0 = 0xa0
const explicit3 = 0xa3

/** What `node:crypto` does not say of a certificate; it has parsed it, so its outline is sound. */
function authorityOf(anchor: X509Certificate): Authority {
  const outer = new DerReader(anchor.raw)
  const certificate = outer.inside(outer.next(derTag.sequence))
  const parts = certificate.inside(certificate.next(derTag.sequence))
  parts.optional(explicit0)
  parts.next(derTag.integer)
  for (const _of of ['signature', 'issuer', 'validity']) parts.next(derTag.sequence)
  const subject = parts.whole(parts.next(derTag.sequence))
  while (!parts.isAtEnd && parts.nextTag !== explicit3) parts.next()
  const wrapped = parts.optional(explicit3)
  return { subject, maySign: wrapped === undefined || maySignLists(parts.inside(wrapped)) }
}

function maySignLists(wrapped: DerReader): boolean {
  const extensions = wrapped.inside(wrapped.next(derTag.sequence))
  while (!extensions.isAtEnd) {
    const extension = extensions.inside(extensions.next(derTag.sequence))
    const oid = extension.contents(extension.next(derTag.oid)).toString('hex')
    extension.optional(derTag.boolean)
    const value = extension.next(derTag.octetString)
    if (oid !== keyUsage) continue
    const inner = extension.inside(value)
    const bits = inner.contents(inner.next(derTag.bitString))
    if (bits.length < 2) throw new DerError(value.start, 'a key usage without bits')
    return ((bits[1] ?? 0) & cRLSign) !== 0
  }
  return true
}
