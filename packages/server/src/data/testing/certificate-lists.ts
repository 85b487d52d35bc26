import { webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import type { TestAuthority } from './certificates.ts'

export interface TestListOptions {
  /** Serial numbers, hexadecimal. */
  readonly revoked?: readonly string[]
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly hash?: 'SHA-256' | 'SHA-1'
  readonly extensions?: x509.Extension[]
}

/** A list of revoked certificates as its authority publishes it, in DER. */
export async function newCertificateList(
  authority: Pick<TestAuthority, 'certificate' | 'keys'>,
  { revoked = [], hash = 'SHA-256', ...more }: TestListOptions,
): Promise<Buffer> {
  const list = await x509.X509CrlGenerator.create(
    {
      issuer: authority.certificate.subject,
      ...more,
      signingKey: authority.keys.privateKey as unknown as CryptoKey,
      signingAlgorithm: { name: 'ECDSA', hash },
      entries: revoked.map(serialNumber => ({ serialNumber, revocationDate: more.thisUpdate })),
    },
    webcrypto as unknown as Crypto,
  )
  return Buffer.from(list.rawData)
}
