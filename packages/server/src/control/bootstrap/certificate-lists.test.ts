import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { opensslAuthority } from '../../data/testing/openssl-list.ts'
import { textOfProblem } from '../problem.ts'
import { loadBootstrap } from './bootstrap.ts'

const production = `
dataFolder: /var/lib/holdfast
issuers: [{ url: 'https://id.example', environment: production }]
tls: { certificateFile: tls.pem, privateKeyFile: tls.key }
keyEncryptionKeyFile: kek
`

function folderOf(t: TestContext, yaml = ''): string {
  const cwd = mkdtempSync(join(tmpdir(), 'holdfast-bootstrap-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  if (yaml !== '') writeFileSync(join(cwd, 'holdfast.yaml'), yaml)
  return cwd
}

describe('lists of revoked client certificates in the configuration', () => {
  const refused: readonly [string, string, RegExp][] = [
    [
      'a policy of lists that there is not',
      "issuers: [{ url: 'https://a.example', clientCertificateRevocation: { policy: strict } }]",
      /clientCertificateRevocation\.policy/,
    ],
    [
      'the hard policy without a list',
      "issuers: [{ url: 'https://a.example', clientCertificateRevocation: { policy: hard } }]",
      /clientCertificateRevocation\.policy: `hard` lets no certificate in without `listFiles`/,
    ],
    [
      'lists where nobody looks at them',
      "issuers: [{ url: 'https://a.example', clientCertificateRevocation: { policy: off, listFiles: [a.crl] } }]",
      /clientCertificateRevocation\.policy: is `off`, and/,
    ],
    [
      'lists in development without a policy',
      `issuers: [{ url: 'https://localhost:1', environment: development, clientCertificateRevocation: { listFiles: [a.crl] } }]`,
      /clientCertificateRevocation\.policy: is `off` in development unless set/,
    ],
    [
      'lists that no authority could have signed',
      "issuers: [{ url: 'https://a.example', clientCertificateRevocation: { listFiles: [a.crl] } }]",
      /clientCertificateRevocation\.listFiles: no authority/,
    ],
  ]
  for (const [name, yaml, says] of refused)
    test(`${name} is refused`, t => {
      const read = loadBootstrap({ cwd: folderOf(t, yaml), env: {} })
      assert.match(read.ok ? '' : read.problems.map(textOfProblem).join(), says)
    })

  test('a list of revoked certificates that was named must be there', t => {
    const cwd = folderOf(t)
    writeFileSync(join(cwd, 'ca.pem'), opensslAuthority)
    const revocation = 'clientCertificateRevocation: { policy: soft, listFiles: [a.crl] }'
    const issuer = `{ url: 'https://localhost:1', environment: development, clientTrustAnchorFiles: [ca.pem], ${revocation} }`
    writeFileSync(join(cwd, 'holdfast.yaml'), `issuers: [${issuer}]`)
    const absent = loadBootstrap({ cwd, env: {} })
    assert.match(
      absent.ok ? '' : absent.problems.map(textOfProblem).join(),
      /listFiles\[0\]: cannot read .*ENOENT/,
    )
    writeFileSync(join(cwd, 'a.crl'), 'read when the server starts')
    const there = loadBootstrap({ cwd, env: {} })
    assert(there.ok)
    assert.deepEqual(there.value.certificateLists, [
      {
        issuer: 'https://localhost:1',
        policy: 'soft',
        anchors: [opensslAuthority],
        files: [join(cwd, 'a.crl')],
      },
    ])
  })

  test('revoked certificates are looked for in production, and in development when somebody says so', t => {
    const policyOf = (yaml: string): unknown => {
      const read = loadBootstrap({ cwd: folderOf(t, yaml), env: {} })
      return read.ok ? read.value.certificateLists[0]?.policy : read.problems.map(textOfProblem)
    }
    assert.equal(policyOf(''), 'off')
    assert.equal(policyOf(production), 'soft')
  })
})
