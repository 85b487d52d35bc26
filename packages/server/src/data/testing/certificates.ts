import { createHash, webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import type { PeerCertificate } from '../../http/exchange.ts'

x509.cryptoProvider.set(webcrypto as unknown as Crypto)

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A certificate authority of the test world. */
export interface TestAuthority {
  readonly pem: string
  readonly certificate: x509.X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

export interface TestCertificateOptions {
  /** RFC 4514 text. */
  readonly subject: string
  /** Undefined: self-signed. */
  readonly issuedBy?: TestAuthority
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly san?: x509.JsonGeneralNames
  readonly isAuthority?: boolean
}

const serials = { last: 0 }
const lived = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2029-01-01T00:00:00Z') }

/** @param usage that its certificate says; none, for anything */
export async function newAuthority(
  subject: string,
  lives: typeof lived = lived,
  usage?: 'keyCertSign' | 'keyCertSign, cRLSign',
): Promise<TestAuthority> {
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags
  const flags = usage === 'keyCertSign' ? keyCertSign : keyCertSign | cRLSign
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerial(),
    name: subject,
    ...lives,
    signingAlgorithm: algorithm,
    keys: keys as unknown as CryptoKeyPair,
    extensions: [
      new x509.BasicConstraintsExtension(true, 2, true),
      ...(usage === undefined ? [] : [new x509.KeyUsagesExtension(flags, true)]),
    ],
  })
  return { pem: certificate.toString('pem'), certificate, keys }
}

/** A certificate whose key somebody proved in a handshake, as the edge hands it to a room. */
export async function newPeerCertificate(options: TestCertificateOptions): Promise<PeerCertificate> {
  const { subject, issuedBy, san, isAuthority = false } = options
  const keys = await newKeys()
  const extensions: x509.Extension[] = [new x509.BasicConstraintsExtension(isAuthority, undefined, true)]
  if (san !== undefined) extensions.push(new x509.SubjectAlternativeNameExtension(san))
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: nextSerial(),
    subject,
    issuer: issuedBy?.certificate.subject ?? subject,
    notBefore: options.notBefore ?? lived.notBefore,
    notAfter: options.notAfter ?? lived.notAfter,
    publicKey: keys.publicKey as unknown as CryptoKey,
    signingKey: (issuedBy?.keys ?? keys).privateKey as unknown as CryptoKey,
    signingAlgorithm: algorithm,
    extensions,
  })
  const der = Buffer.from(certificate.rawData)
  return { der, thumbprint: createHash('sha256').update(der).digest('base64url') }
}

function nextSerial(): string {
  serials.last += 1
  return serials.last.toString(16).padStart(4, '0')
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}
