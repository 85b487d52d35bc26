import { parseArgs } from 'node:util'
import {
  anotherNode,
  forkNode,
  prepareProduct,
  type StoreKind,
  stopNode,
  withoutFailureLimits,
} from '../product/start.ts'
import { race } from './race.ts'

/** node test/harness/run-race.ts --store sqlite|postgres --rounds 500 --simultaneous 64 */
const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'sqlite' },
    rounds: { type: 'string', default: '500' },
    simultaneous: { type: 'string', default: '64' },
  },
})
const store = values.store as StoreKind
const prepared = await prepareProduct(store, { limits: withoutFailureLimits })
const configs =
  store === 'postgres' ? [prepared.config, await anotherNode(prepared.config)] : [prepared.config]
// One after the other: the second node finds the keys that the first one made.
const nodes = []
for (const config of configs) nodes.push(await forkNode(config))
const started = performance.now()
try {
  const report = await race({
    product: prepared.product,
    origins: configs.map(config => `https://localhost:${config.publicPort}`),
    rounds: Number(values.rounds),
    simultaneous: Number(values.simultaneous),
    onRound: round => {
      if (round % 25 === 0) process.stderr.write(`round ${round}\n`)
    },
  })
  const minutes = ((performance.now() - started) / 60_000).toFixed(1)
  process.stdout.write(
    `${JSON.stringify({ store, nodes: nodes.length, rounds: values.rounds, minutes, ...report }, undefined, 2)}\n`,
  )
} finally {
  await Promise.all(nodes.map(stopNode))
  await prepared.remove()
}
