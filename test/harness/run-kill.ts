import { parseArgs } from 'node:util'
import { prepareProduct, withoutFailureLimits } from '../product/start.ts'
import { killCycles } from './kill.ts'

/** node test/harness/run-kill.ts --cycles 100 --codes 6 */
const { values } = parseArgs({
  options: { cycles: { type: 'string', default: '100' }, codes: { type: 'string', default: '6' } },
})
const prepared = await prepareProduct('sqlite', { limits: withoutFailureLimits })
const started = performance.now()
try {
  const report = await killCycles({
    prepared,
    cycles: Number(values.cycles),
    codesPerCycle: Number(values.codes),
    onCycle: (cycle, soFar) => {
      if (cycle % 10 === 0)
        process.stderr.write(`cycle ${cycle}: ${soFar.acknowledgedTokens} tokens acknowledged\n`)
    },
  })
  const minutes = ((performance.now() - started) / 60_000).toFixed(1)
  process.stdout.write(`${JSON.stringify({ cycles: values.cycles, minutes, ...report }, undefined, 2)}\n`)
} finally {
  await prepared.remove()
}
