import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Clause, ClauseManifest } from '@holdfast/protocol'
import { root } from './source-files.ts'

/**
 * Our requirement checklists number what the documents demand of us. Each row that binds the authorization server
 * or an API must stand in a manifest, whose clause the coverage test holds to a rule or a test.
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
  // REV-06, events to gateways and APIs, waits for the event feed; until then a cached answer bounds it (FRS-03).
  revocation: [...range('REV', 1, 5), 'REV-07'],
  'refresh tokens': range('RT', 1, 10),
  'token exchange': range('TX', 1, 8),
  'grant management': range('GM', 1, 10),
  // The CAEP event of GTR-05 waits for shared signals.
  'global token revocation': range('GTR', 1, 4),
  'JWT bearer grant': range('JBG', 1, 4),
  'device flow': range('DEV', 1, 7),
  CIBA: range('CIBA', 1, 9),
  'FAPI-CIBA': range('FCI', 1, 10),
  AuthZEN: range('AZN', 1, 19),
  'step-up': range('STEP', 1, 7),
  'ID tokens': range('IDT', 1, 6),
  userinfo: range('UI', 1, 3),
  'token status lists': range('TSL', 1, 10),
  // CC-03, the call to a policy engine before a token is minted, waits for domain policy.
  'client credentials and all grants': ['CC-01', 'CC-02', 'CC-04', 'CC-05'],

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

  // DCR-11, clients that wait for an approval, belongs to onboarding: a token for registration is the approval so far.
  'dynamic registration': [...range('DCR', 1, 10), 'DCR-12'],
  'registration management': range('DCM', 1, 6),
  // SS-04, roles of a directory as scopes, is a plug-in of an ecosystem that is not there yet.
  'software statements': range('SS', 1, 3),
  'pairwise subjects': range('PW', 1, 4),
  // Federation (FED) and client ID documents (CIMD) are later issues.
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

const standing = new Set((await allClauses()).flatMap(clause => clause.rows ?? []))

describe('checklist rows', () => {
  for (const [title, expected] of Object.entries(rows))
    it(`every row of "${title}" stands in a manifest`, () => {
      assert.deepEqual(
        expected.filter(row => !standing.has(row)),
        [],
      )
    })
})
