import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Clause, ClauseManifest } from '@holdfast/protocol'
import { root } from './source-files.ts'

/**
 * Our requirement checklists number what the documents demand of us. Each row is proven by a clause that is ruled or
 * shown, which the coverage test holds to its word; or it binds the client alone; or docs/divergences.md says why not.
 */

const range = (prefix: string, from: number, to: number): readonly string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `${prefix}-${String(from + index).padStart(2, '0')}`)

const rows: Readonly<Record<string, readonly string[]>> = {
  'FAPI 2.0 Security Profile: network': range('FN', 1, 9),
  'FAPI 2.0 Security Profile: authorization server': range('FAS', 1, 13),
  'FAPI 2.0 Security Profile: authorization endpoint': range('FAZ', 1, 22),
  'FAPI 2.0 Security Profile: client': range('FC', 1, 18),
  'FAPI 2.0 Security Profile: resource server': range('FRS', 1, 6),
  'FAPI 2.0 Security Profile: keys': range('FK', 1, 7),

  'FAPI 2.0 Message Signing': range('FMS', 1, 17),
  'FAPI 1.0 Advanced': range('F1', 1, 19),
  'FAPI 2.0 HTTP Signatures': range('FHS', 1, 6),

  'DPoP: proof and its checks': [...range('DPOP', 1, 6), ...range('DPOP', 10, 27)],
  'DPoP: token endpoint': range('DPOP', 30, 38),
  'DPoP: nonces': range('DPOP', 40, 49),
  'DPoP: code binding': range('DPOP', 50, 54),
  'DPoP: resource access': range('DPOP', 60, 69),
  'binding formats': range('CNF', 1, 5),
  'certificate-bound tokens': range('MTLSB', 1, 10),
  'certificates through a proxy': range('CERT', 1, 7),

  'client authentication': range('CA', 1, 9),
  'client secrets': range('SEC', 1, 10),
  'client attestation': range('ATT', 1, 16),
  'client assertions': range('ASRT', 1, 17),
  SPIFFE: range('SPF', 1, 5),
  'mutual TLS client authentication': range('MTLSA', 1, 12),
  'client keys': range('JWKS', 1, 10),

  'JWT access tokens': range('AT', 1, 17),
  'phantom tokens at the gateway': range('OPQ', 1, 6),
  introspection: range('INTR', 1, 9),
  'signed introspection': range('SINT', 1, 9),
  revocation: range('REV', 1, 7),
  'refresh tokens': range('RT', 1, 10),
  'token exchange': range('TX', 1, 8),
  'grant management': range('GM', 1, 10),
  'global token revocation': range('GTR', 1, 5),
  'JWT bearer grant': range('JBG', 1, 4),
  'device flow': range('DEV', 1, 7),
  CIBA: range('CIBA', 1, 9),
  'FAPI-CIBA': range('FCI', 1, 10),
  AuthZEN: range('AZN', 1, 19),
  'step-up': range('STEP', 1, 7),
  'ID tokens': range('IDT', 1, 6),
  userinfo: range('UI', 1, 3),
  'token status lists': range('TSL', 1, 10),
  'client credentials and all grants': range('CC', 1, 5),

  'rich authorization requests': range('RAR', 1, 11),
  'authorization endpoint': range('AZ', 1, 23),
  PKCE: range('PKCE', 1, 11),
  'pushed authorization requests': range('PAR', 1, 20),
  'request objects': range('JAR', 1, 14),
  'signed responses': range('JARM', 1, 11),
  'form post': range('FP', 1, 5),
  'issuer identification': range('ISS', 1, 5),
  'resource indicators': range('RSRC', 1, 5),
  'best current practice': range('BCP', 1, 17),
  'OpenID Connect requests': range('OIDC', 1, 20),

  // The CAEP event of RPL-09 waits for shared signals.
  'RP-initiated logout': range('RPL', 1, 9),
  'back-channel logout': range('BCL', 1, 10),
  'front-channel logout': range('FCL', 1, 4),

  'dynamic registration': range('DCR', 1, 12),
  'registration management': range('DCM', 1, 6),
  'software statements': range('SS', 1, 4),
  'pairwise subjects': range('PW', 1, 4),
  federation: range('FED', 1, 9),
  'client ID documents': range('CIMD', 1, 11),
  'server metadata': range('MD', 1, 13),
  'protected resource metadata': range('PRM', 1, 8),
  'server keys': range('JWK', 1, 9),
}

const specsFolder = join(root, 'packages/protocol/src/specs')

async function allClauses(): Promise<readonly Clause[]> {
  const specs = readdirSync(specsFolder, { withFileTypes: true }).filter(entry => entry.isDirectory())
  const files = specs.flatMap(({ name }) =>
    readdirSync(join(specsFolder, name))
      .filter(file => file.endsWith('clauses.ts'))
      .map(file => join(specsFolder, name, file)),
  )
  const modules = await Promise.all(
    files.map(file => import(pathToFileURL(file).href) as Promise<{ manifest?: ClauseManifest }>),
  )
  return modules.flatMap(({ manifest }) => manifest?.clauses ?? [])
}

/** Rows that bind the client and nobody else: their clause may say so, and has nothing to prove here. */
const ofClients: ReadonlySet<string> = new Set([
  ...['FN-07', ...range('FC', 1, 18), 'FMS-06', 'FMS-10', 'FMS-12', 'F1-11', 'F1-12', 'F1-15', 'FCI-09'],
  ...['DPOP-05', 'DPOP-35', 'DPOP-46', 'DPOP-47', 'DPOP-54', 'DPOP-60'],
  ...['ASRT-14', 'MTLSA-08', 'ATT-09', 'ATT-14', 'SPF-05'],
  ...['AT-14', 'RT-08', 'STEP-02', 'STEP-06', 'IDT-03'],
  ...[
    'PKCE-09',
    'PKCE-10',
    'PAR-19',
    'JARM-07',
    'ISS-03',
    'ISS-04',
    'ISS-05',
    'BCP-01',
    'BCP-08',
    'FP-03',
    'OIDC-20',
  ],
  ...['BCL-05', 'BCL-07', 'FCL-02', 'PRM-04', 'PRM-06', 'PRM-08'],
])

const clauses = await allClauses()
const rowsOf = (kinds: readonly Clause['standing']['kind'][]): ReadonlySet<string> =>
  new Set(
    clauses.filter(({ standing }) => kinds.includes(standing.kind)).flatMap(clause => clause.rows ?? []),
  )
const proven = rowsOf(['ruled', 'shown'])
const known = rowsOf(['ruled', 'shown', 'otherParty', 'notApplicable'])
const explained = explainedRows()

/** Of the second table of docs/divergences.md: `| AZ-02, FED-01 to FED-09 | why |`. */
function explainedRows(): ReadonlyMap<string, string> {
  const text = readFileSync(join(root, 'docs/divergences.md'), 'utf8')
  const [, table = ''] = text.split('## Rows of our checklists that nothing here proves')
  return new Map(
    [...table.matchAll(/^\| ([A-Z\d]+-\d+[^|]*) \| ([^|]+) \|$/gm)].flatMap(([, names = '', why = '']) =>
      names.split(', ').flatMap(name => {
        const [first = '', last = first] = name.split(' to ')
        const [prefix = '', from] = first.split('-')
        return range(prefix, Number(from), Number(last.split('-')[1])).map(row => [row, why] as const)
      }),
    ),
  )
}

describe('checklist rows', () => {
  for (const [title, expected] of Object.entries(rows))
    it(`every row of "${title}" is proven, is the client’s, or has a reason`, () => {
      assert.deepEqual(
        expected.filter(
          row => !proven.has(row) && !(ofClients.has(row) && known.has(row)) && !explained.has(row),
        ),
        [],
      )
    })

  it('a row that has a reason is one of ours, is not proven by now, and the reason says something', () => {
    const all = new Set(Object.values(rows).flat())
    for (const [row, why] of explained) {
      assert.ok(all.has(row), `${row} is no row`)
      assert.ok(!proven.has(row), `${row} is proven: take its reason away`)
      assert.ok(why.length > 20, row)
    }
  })

  it('what a clause says of a row is said of a row there is', () => {
    const all = new Set(Object.values(rows).flat())
    assert.deepEqual(
      [...known].filter(row => !all.has(row)),
      [],
    )
  })
})
