import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Composition, DrillPlan } from './composition.ts'
import { run } from './testing/run.ts'

function drilling(env: Composition['env'] = {}) {
  const plans: DrillPlan[] = []
  const drill: Composition['drill'] = async plan => {
    plans.push(plan)
    return { evidence: { asked: 1 }, lines: ['went well'], failures: [] }
  }
  return { plans, drill: (...args: readonly string[]) => run(['drill', ...args], { env, drill }) }
}

const plain = 'postgres://ada@127.0.0.1:5432/test'
const secret = 'postgres://ada:geheim@127.0.0.1:5432/test'
const variable = 'HOLDFAST_DRILL_POSTGRES'

describe('where a drill finds PostgreSQL', () => {
  for (const [name, args, env, used] of [
    ['the option', ['--postgres', plain], {}, plain],
    [
      'another scheme and no user',
      ['--postgres', 'postgresql:///test?host=/run'],
      {},
      'postgresql:///test?host=/run',
    ],
    ['the environment, with a password', [], { [variable]: secret }, secret],
    ['the option before the environment', ['--postgres', plain], { [variable]: secret }, plain],
  ] as const)
    test(`${name}`, async () => {
      for (const which of ['revocation', 'rotation']) {
        const { plans, drill } = drilling(env)
        const ran = await drill(which, ...args)
        assert.deepEqual([ran.exitCode, ran.out, ran.err], [0, 'went well\n', ''])
        assert.deepEqual([plans[0]?.drill, plans[0]?.postgres], [which, used])
      }
    })

  for (const [name, args, env, says] of [
    ['nowhere', [], {}, /`--postgres <url>`, or `HOLDFAST_DRILL_POSTGRES`/],
    ['an empty variable', [], { [variable]: '' }, /`--postgres <url>`/],
    [
      'a password in the option',
      ['--postgres', secret],
      {},
      /leave the password out.*PGPASSWORD.*PGPASSFILE/,
    ],
    ['a password in its query', ['--postgres', `${plain}?password=geheim`], {}, /leave the password out/],
    ['something else', ['--postgres', 'host=127.0.0.1 password=geheim'], {}, /is a URL such as/],
    ['another server', ['--postgres', 'mysql://127.0.0.1/test'], {}, /is a URL such as/],
    ['something else in the environment', [], { [variable]: 'geheim' }, /is a URL such as/],
  ] as const)
    test(`${name} is refused, and nothing is started or repeated`, async () => {
      const { plans, drill } = drilling(env)
      const { exitCode, out, err } = await drill('revocation', ...args)
      assert.deepEqual([exitCode, out, plans.length], [2, '', 0])
      assert.match(err, says)
      assert.ok(!err.includes('geheim'))
    })
})
