import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import type { EpochSeconds } from '@holdfast/protocol'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import type { Entropy } from '../ports.ts'

export interface IssuedCertificate {
  readonly certPem: string
  readonly keyPem: string
}

export interface CertificateRequest {
  /** RFC 4514 text. */
  readonly subject: string
  readonly key: 'ecdsa' | 'rsa'
  readonly purpose: 'authority' | 'server' | 'client'
  readonly days: number
  /** Who signs; itself when absent. Authorities have ECDSA keys. */
  readonly issuer?: IssuedCertificate
  readonly names?: { readonly dns: readonly string[]; readonly ip: readonly string[] }
}

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
}
const serverAuth = '1.3.6.1.5.5.7.3.1'
const clientAuth = '1.3.6.1.5.5.7.3.2'
/** Clocks of one machine's virtual machines and containers differ a little. */
const backdateSeconds = 300

/** A new key and its certificate. For development: a production deployment brings its own. */
export async function issueCertificate(
  request: CertificateRequest,
  now: EpochSeconds,
  entropy: Entropy,
): Promise<IssuedCertificate> {
  // The library's types mean the browser's Crypto; Node's is the same interface under another name.
  const crypto = webcrypto as unknown as Crypto
  const { subtle } = webcrypto
  const algorithm = request.key === 'rsa' ? rsa : ecdsa
  const keys = (await subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const signer = request.issuer === undefined ? undefined : await signerOf(request.issuer)
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: newSerial(entropy),
      subject: request.subject,
      issuer: signer?.subject ?? request.subject,
      notBefore: new Date((now - backdateSeconds) * 1000),
      notAfter: new Date((now + request.days * 86_400) * 1000),
      publicKey: keys.publicKey as CryptoKey,
      signingKey: (signer?.key ?? keys.privateKey) as CryptoKey,
      signingAlgorithm: signer === undefined ? algorithm : ecdsa,
      extensions: await extensionsOf(request, keys.publicKey as CryptoKey, signer?.certificate, crypto),
    },
    crypto,
  )
  const pkcs8 = Buffer.from(await subtle.exportKey('pkcs8', keys.privateKey))
  const keyPem = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({
    type: 'pkcs8',
    format: 'pem',
  })
  return { certPem: `${certificate.toString('pem')}\n`, keyPem: keyPem.toString() }
}

async function extensionsOf(
  request: CertificateRequest,
  publicKey: CryptoKey,
  signer: x509.X509Certificate | undefined,
  crypto: Crypto,
): Promise<x509.Extension[]> {
  const isAuthority = request.purpose === 'authority'
  const { digitalSignature, keyCertSign, cRLSign } = x509.KeyUsageFlags
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(isAuthority, isAuthority ? 0 : undefined, true),
    new x509.KeyUsagesExtension(isAuthority ? keyCertSign | cRLSign : digitalSignature, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey, false, crypto),
  ]
  if (signer !== undefined)
    extensions.push(await x509.AuthorityKeyIdentifierExtension.create(signer, false, crypto))
  if (!isAuthority)
    extensions.push(
      new x509.ExtendedKeyUsageExtension([request.purpose === 'server' ? serverAuth : clientAuth]),
    )
  if (request.names !== undefined) {
    const dns = request.names.dns.map(value => ({ type: 'dns' as const, value }))
    const ip = request.names.ip.map(value => ({ type: 'ip' as const, value }))
    extensions.push(new x509.SubjectAlternativeNameExtension([...dns, ...ip]))
  }
  return extensions
}

interface Signer {
  readonly subject: string
  readonly key: webcrypto.CryptoKey
  readonly certificate: x509.X509Certificate
}

async function signerOf(issuer: IssuedCertificate): Promise<Signer> {
  const pkcs8 = createPrivateKey(issuer.keyPem).export({ type: 'pkcs8', format: 'der' })
  const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, ecdsa, false, ['sign'])
  const certificate = new x509.X509Certificate(new X509Certificate(issuer.certPem).raw)
  return { subject: certificate.subject, key, certificate }
}

/** 127 random bits, positive. */
function newSerial(entropy: Entropy): string {
  const bytes = entropy.bytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}
