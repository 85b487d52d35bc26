import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EpochSeconds } from '@holdfast/protocol'
import { openEntropy } from '../entropy.ts'
import type { CertificateRequest, IssuedCertificate } from './issue.ts'

/** A certificate with its key, and where both are kept. */
export interface KeptCertificate {
  readonly certPem: string
  readonly keyPem: string
  readonly certPath: string
  readonly keyPath: string
}

/** A private certificate authority for this machine. Nothing outside it should ever trust one. */
export interface DevelopmentCa {
  readonly caPem: string
  readonly caPath: string
  /** For the listeners: RSA, for `localhost`, `127.0.0.1` and `::1`. */
  readonly server: KeptCertificate
  /**
   * A client certificate, made at first use and kept.
   * @param name file name; lower-case letters, digits and hyphens
   * @param subject RFC 4514 text, e.g. `CN=payments, O=Example`
   */
  readonly clientCertificate: (
    name: string,
    subject: string,
    kind: 'issued' | 'self-signed',
  ) => Promise<KeptCertificate>
}

const daySeconds = 86_400
const caDays = 3650
/** Browsers refuse server certificates that live longer than 398 days. */
const leafDays = 390
/** What lives shorter than this is made again at the next start. */
const renewDays = 30

/**
 * Opens the authority in `folder`, or makes it. A restart reuses what is there; what is damaged, near its end
 * or signed by another authority is replaced.
 * @param now server time
 */
export async function openDevelopmentCa(folder: string, now: EpochSeconds): Promise<DevelopmentCa> {
  const clients = join(folder, 'clients')
  await mkdir(clients, { recursive: true, mode: 0o700 })
  const ca = await kept(folder, 'ca', now, isLasting(now), {
    subject: 'CN=Holdfast development CA',
    key: 'ecdsa',
    purpose: 'authority',
    days: caDays,
  })
  const issuer = { certPem: ca.certPem, keyPem: ca.keyPem }
  const signedByCa = signedBy(ca.certPem)
  const isFit = (certificate: X509Certificate): boolean =>
    isLasting(now)(certificate) && signedByCa(certificate)
  const server = await kept(folder, 'server', now, isFit, {
    subject: 'CN=localhost',
    key: 'rsa',
    purpose: 'server',
    days: leafDays,
    issuer,
    names: { dns: ['localhost'], ip: ['127.0.0.1', '::1'] },
  })
  return {
    caPem: ca.certPem,
    caPath: ca.certPath,
    server,
    clientCertificate: (name, subject, kind) => {
      if (!/^[a-z0-9-]{1,64}$/.test(name)) throw new TypeError(`\`${name}\` is not a plain file name`)
      const request = { subject, key: 'ecdsa', purpose: 'client', days: leafDays } as const
      return kind === 'issued'
        ? kept(clients, name, now, isFit, { ...request, issuer })
        : kept(clients, name, now, isLasting(now), request)
    },
  }
}

function isLasting(now: EpochSeconds): (certificate: X509Certificate) => boolean {
  return certificate => Date.parse(certificate.validTo) / 1000 > now + renewDays * daySeconds
}

function signedBy(caPem: string): (certificate: X509Certificate) => boolean {
  const { publicKey } = new X509Certificate(caPem)
  return certificate => certificate.verify(publicKey)
}

async function kept(
  folder: string,
  name: string,
  now: EpochSeconds,
  isFit: (certificate: X509Certificate) => boolean,
  request: CertificateRequest,
): Promise<KeptCertificate> {
  const certPath = join(folder, `${name}.pem`)
  const keyPath = join(folder, `${name}.key`)
  const found = await readPair(certPath, keyPath)
  if (found !== undefined && isFit(new X509Certificate(found.certPem))) return { ...found, certPath, keyPath }

  // The X.509 library is only paid for when something is made: an ordinary start does without it.
  const { issueCertificate } = await import('./issue.ts')
  const made = await issueCertificate(request, now, openEntropy())
  // The key first: a certificate on disk always has its key beside it.
  await replaceFile(keyPath, made.keyPem, 0o600)
  await replaceFile(certPath, made.certPem, 0o644)
  return { ...made, certPath, keyPath }
}

/** Undefined when a file is missing or unreadable, or the two do not belong together. */
async function readPair(certPath: string, keyPath: string): Promise<IssuedCertificate | undefined> {
  try {
    const [certPem, keyPem] = await Promise.all([readFile(certPath, 'utf8'), readFile(keyPath, 'utf8')])
    const belongs = new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem))
    return belongs ? { certPem, keyPem } : undefined
  } catch {
    return undefined
  }
}

/** Whole or not at all. */
async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const next = `${path}.next`
  await writeFile(next, text, { mode })
  await rename(next, path)
}
