import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isTest, root, type SourceFile, sourceFiles } from './test/source-files.ts'

/** The house rules as a test. Each names what to do instead. */

const code = sourceFiles('packages', ['.ts', '.tsx', '.cjs'])
const everything = ['packages', 'bench', 'examples', 'scripts', 'test'].flatMap(folder =>
  sourceFiles(folder, ['.ts', '.tsx', '.cjs']),
)
const product = code.filter(file => !isTest(file))

const adminApiTypes = '@holdfast/server/control/admin-api.ts'
/** Types of what the commands write as documents. */
const catalogueTypes = '@holdfast/server/control/resources/api-operations.ts'

/** What each package may import of ours, and of others. `node:` built-ins are open to all but where noted. */
const edges: Readonly<Record<string, readonly string[]>> = {
  protocol: ['jose'],
  policy: ['@cedar-policy/cedar-wasm', '@holdfast/protocol'],
  'resource-server': ['@holdfast/protocol'],
  gateway: ['@holdfast/policy', '@holdfast/protocol', '@holdfast/resource-server', 'pg', 'undici', 'zod'],
  server: [
    '@holdfast/policy',
    '@holdfast/protocol',
    '@nats-io/transport-node',
    '@peculiar/x509',
    '@simplewebauthn/server',
    'fastify',
    'ldapts',
    'pg',
    'pino',
    'prom-client',
    'reflect-metadata',
    'undici',
    'yaml',
    'zod',
  ],
  cli: [
    '@holdfast/policy',
    '@holdfast/protocol',
    adminApiTypes,
    catalogueTypes,
    'commander',
    'openid-client',
    'undici',
    'yaml',
  ],
  holdfast: [
    '@holdfast/protocol',
    '@holdfast/server',
    '@holdfast/resource-server',
    '@holdfast/gateway',
    '@holdfast/cli',
  ],
}

/** `protocol` is pure: of the runtime it may use only these. */
const pureBuiltins = new Set(['node:crypto', 'node:buffer', 'node:net', 'node:url', 'node:util'])

function importsOf(file: SourceFile): readonly string[] {
  const found = file.text.matchAll(/(?:from|import|import\()\s*'([^']+)'/g)
  return [...found].map(match => match[1] ?? '')
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
}

function offenders(files: readonly SourceFile[], pattern: RegExp): readonly string[] {
  return files.flatMap(file =>
    file.text
      .split('\n')
      .map((line, index) => ({ line, at: `${file.path}:${index + 1}` }))
      .filter(({ line }) => pattern.test(line) && !/^\s*(\/\/|\*|\/\*)/.test(line))
      .map(({ line, at }) => `${at} ${line.trim()}`),
  )
}

describe('import edges', () => {
  it('packages import only what their row of the design allows', () => {
    const wrong = product.flatMap(file => {
      const name = file.path.split('/')[1] ?? ''
      const allowed = edges[name]
      assert.ok(allowed, `package \`${name}\` has no row in tidy.test.ts`)
      return importsOf(file)
        .filter(specifier => !specifier.startsWith('.') && !specifier.startsWith('node:'))
        .filter(specifier => !allowed.includes(packageOf(specifier)) && !allowed.includes(specifier))
        .map(specifier => `${file.path} imports ${specifier}`)
    })
    assert.deepEqual(wrong, [])
  })

  it('the command line knows the server by the types of its admin API only', () => {
    const cli = product.filter(file => file.path.startsWith('packages/cli/'))
    const wrong = cli.flatMap(file =>
      [...file.text.matchAll(/import\s+(type\s)?[^']*?from '@holdfast\/server\//g)]
        .filter(match => match[1] === undefined)
        .map(match => `${file.path}: ${match[0]}`),
    )
    assert.deepEqual(wrong, [])
  })

  it('protocol is pure: no clock, randomness, network, file or database', () => {
    const protocol = product.filter(file => file.path.startsWith('packages/protocol/'))
    const wrong = protocol.flatMap(file =>
      importsOf(file)
        .filter(specifier => specifier.startsWith('node:') && !pureBuiltins.has(specifier))
        .map(specifier => `${file.path} imports ${specifier}`),
    )
    assert.deepEqual(wrong, [])
    assert.deepEqual(
      offenders(protocol, /randomBytes|randomUUID|getRandomValues|performance\.now|setTimeout/),
      [],
    )
  })

  it('the data plane never imports the control plane', () => {
    const data = product.filter(file => file.path.startsWith('packages/server/src/data/'))
    assert.deepEqual(offenders(data, /from '[^']*\/control\//), [])
  })

  it('a policy decision is pure: no clock, randomness, network, file or database', () => {
    const policy = product.filter(file => file.path.startsWith('packages/policy/'))
    // The reference implementation is a file of a package: only its door loads it.
    const allowed = (path: string): readonly string[] =>
      path.endsWith('/cedar/reference.ts') ? [...pureBuiltins, 'node:module'] : [...pureBuiltins]
    const wrong = policy.flatMap(file =>
      importsOf(file)
        .filter(specifier => specifier.startsWith('node:') && !allowed(file.path).includes(specifier))
        .map(specifier => `${file.path} imports ${specifier}`),
    )
    assert.deepEqual(wrong, [])
    const impure = /randomBytes|randomUUID|getRandomValues|performance\.now|setTimeout|Date\.now|new Date\(\)/
    assert.deepEqual(offenders(policy, impure), [])
  })

  it('spec rooms say what must hold and know no endpoint', () => {
    const specs = product.filter(file => file.path.startsWith('packages/protocol/src/specs/'))
    assert.deepEqual(offenders(specs, /from '[^']*(server|gateway|holdfast)\//), [])
  })

  it('rooms never see Fastify', () => {
    const rooms = product.filter(file =>
      /packages\/server\/src\/(data|store|control|snapshot|keys)\//.test(file.path),
    )
    assert.deepEqual(offenders(rooms, /from 'fastify'/), [])
  })
})

describe('slots', () => {
  const slots = [
    'packages/protocol/src/profiles',
    'packages/server/src/data/client-auth/methods',
    'packages/server/src/data/token/grants',
    'packages/server/src/data/mint/formats',
    'packages/server/src/data/interaction/steps',
    'packages/server/src/data/authorize/response-modes',
    'packages/server/src/control/resources',
    'packages/server/src/snapshot/policy-engines',
    'packages/server/src/remote-engines/kinds',
    'packages/server/src/attributes/kinds',
    'packages/server/src/data/risk/signals',
  ]
  for (const slot of slots) {
    it(`every file of ${slot} stands in its index`, () => {
      const index = readFileSync(join(root, slot, 'index.ts'), 'utf8')
      const files = readdirSync(join(root, slot)).filter(
        name => /\.ts$/.test(name) && !/\.test\.ts$|^index\.ts$/.test(name),
      )
      assert.ok(files.length > 0)
      assert.deepEqual(
        files.filter(name => !index.includes(`'./${name}'`)),
        [],
      )
    })
  }
})

describe('sizes', () => {
  it('no file is over 500 lines', () => {
    const long = everything.filter(file => file.text.split('\n').length > 501)
    assert.deepEqual(
      long.map(file => file.path),
      [],
    )
  })
})

describe('bans', () => {
  it('no enum, namespace, default export, any or suppressed type error', () => {
    assert.deepEqual(
      offenders(everything, /^\s*(export )?(const )?enum |^\s*(export )?namespace |export default /),
      [],
    )
    assert.deepEqual(
      offenders(everything, /@ts-ignore|@ts-expect-error|@ts-nocheck|: any\b|<any>|as any\b/),
      [],
    )
  })

  it('time and randomness come from ports', () => {
    const sources = new Set(['packages/server/src/clock.ts', 'packages/server/src/entropy.ts'])
    const rooms = product.filter(
      file => /packages\/(protocol|server)\/src\//.test(file.path) && !sources.has(file.path),
    )
    const allowed = /\/(tls|keys|outbound|observe|http|store|control)\//
    assert.deepEqual(
      offenders(
        rooms.filter(file => !allowed.test(file.path)),
        /Date\.now\(|new Date\(\)|Math\.random\(|randomBytes\(|randomUUID\(|performance\.now\(/,
      ),
      [],
    )
    assert.deepEqual(offenders(product, /Math\.random\(/), [])
  })

  it('no unfinished marks, evaluated code or narrowed tests', () => {
    assert.deepEqual(
      offenders(everything, /\b(TODO|FIXME|XXX|HACK)\b(?!\|)(?!')/).filter(
        line => !line.includes('tidy.test'),
      ),
      [],
    )
    assert.deepEqual(offenders(product, /\beval\(|new Function\(/), [])
    assert.deepEqual(offenders(everything, /\b(it|test|describe)\.only\(|\bonly: true/), [])
  })

  it('files are named after what they export', () => {
    const named = everything.filter(file =>
      /\/(utils?|helpers?|common|misc|manager|service)\.tsx?$/.test(file.path),
    )
    assert.deepEqual(
      named.map(file => file.path),
      [],
    )
  })

  it('no path of one machine stands in the code', () => {
    assert.deepEqual(offenders(everything, /['"`]\/(home|root|work|Users)\//), [])
  })
})

describe('dependencies', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<
      string,
      { hasInstallScript?: boolean; resolved?: string; optionalDependencies?: Record<string, string> }
    >
  }

  it('the lockfile has no install scripts and no download addresses', () => {
    const wrong = Object.entries(lock.packages)
      .filter(([, entry]) => entry.hasInstallScript === true || /^https?:/.test(entry.resolved ?? ''))
      .map(([name]) => name)
    assert.deepEqual(wrong, [])
  })

  it('the lockfile holds the packages of every platform, or `npm ci` refuses it', () => {
    const missing = Object.values(lock.packages)
      .flatMap(entry => Object.keys(entry.optionalDependencies ?? {}))
      .filter(name => !Object.keys(lock.packages).some(path => path.endsWith(`node_modules/${name}`)))
    assert.deepEqual([...new Set(missing)], [])
  })

  it('every version is pinned exactly and every runtime dependency has a page in docs/decisions', () => {
    const decisions = readdirSync(join(root, 'docs/decisions'))
      .map(name => readFileSync(join(root, 'docs/decisions', name), 'utf8'))
      .join('\n')
    const manifests = [
      'package.json',
      ...readdirSync(join(root, 'packages')).map(name => `packages/${name}/package.json`),
    ]
    for (const path of manifests) {
      const manifest = JSON.parse(readFileSync(join(root, path), 'utf8')) as Record<
        string,
        Record<string, string>
      >
      for (const group of ['dependencies', 'devDependencies', 'optionalDependencies'])
        for (const [name, version] of Object.entries(manifest[group] ?? {})) {
          assert.match(version, /^\d+\.\d+\.\d+$/, `${path} pins ${name} to \`${version}\``)
          if (group === 'dependencies' && !name.startsWith('@holdfast/'))
            assert.ok(decisions.includes(`\`${name}\``), `no page in docs/decisions names \`${name}\``)
        }
    }
  })
})
