import type { DevelopmentCa, KeptCertificate } from '@holdfast/server/tls/development-ca.ts'

/** RFC 4514 subject of the client that is known by it. */
export const pkiSubject = 'CN=demo-pki-mtls,O=Holdfast Demo'

/** Client certificates of the demo, each made at first use and kept. */
export interface DemoCertificates {
  readonly jwt: KeptCertificate
  readonly pki: KeptCertificate
  readonly own: KeptCertificate
  readonly gateway: KeptCertificate
}

export async function demoCertificates({ clientCertificate }: DevelopmentCa): Promise<DemoCertificates> {
  const [jwt, pki, own, gateway] = await Promise.all([
    clientCertificate('demo-jwt-mtls', 'CN=demo-jwt-mtls,O=Holdfast Demo', 'issued'),
    clientCertificate('demo-pki-mtls', pkiSubject, 'issued'),
    clientCertificate('demo-own-mtls', 'CN=demo-own-mtls,O=Holdfast Demo', 'self-signed'),
    clientCertificate('demo-gateway', 'CN=demo-gateway,O=Holdfast Demo', 'issued'),
  ])
  return { jwt, pki, own, gateway }
}
