import { accessSync, constants } from 'node:fs'
import { resolve } from 'node:path'
import type { IssuerCertificateLists } from '../../tls/revocation/open-lists.ts'
import type { Problem } from '../problem.ts'
import type { BootstrapFile } from './schema.ts'

type Issuer = BootstrapFile['issuers'][number]

/** Where lists of revoked client certificates lie, and what an issuer does without them (RFC 8705 section 7.5). */
export function certificateListsOf(
  issuer: Issuer,
  anchors: readonly string[],
  base: string,
): IssuerCertificateLists {
  const { policy, listFiles } = issuer.clientCertificateRevocation
  return {
    issuer: issuer.url,
    policy: policy ?? (issuer.environment === 'production' ? 'soft' : 'off'),
    anchors,
    files: listFiles.map(path => resolve(base, path)),
  }
}

/** Settings that contradict each other, and files that are not there. */
export function unfitCertificateLists(
  document: string,
  { clientCertificateRevocation, clientTrustAnchorFiles }: Issuer,
  index: number,
  { policy, files }: IssuerCertificateLists,
): readonly Problem[] {
  const field = `issuers[${index}].clientCertificateRevocation`
  const problem = (name: string, message: string): Problem => ({
    document,
    field: `${field}.${name}`,
    message,
  })
  if (policy === 'hard' && files.length === 0)
    return [problem('policy', '`hard` lets no certificate in without `listFiles`')]
  if (files.length === 0) return []
  if (policy === 'off') {
    const says =
      clientCertificateRevocation.policy === undefined ? 'is `off` in development unless set' : 'is `off`'
    return [problem('policy', `${says}, and \`listFiles\` names lists that nobody would look at`)]
  }
  if (clientTrustAnchorFiles.length === 0)
    return [problem('listFiles', 'no authority of `clientTrustAnchorFiles` could have signed them')]
  return files.flatMap((path, place) => {
    try {
      accessSync(path, constants.R_OK)
      return []
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
      return [problem(`listFiles[${place}]`, `cannot read \`${path}\` (${code})`)]
    }
  })
}
