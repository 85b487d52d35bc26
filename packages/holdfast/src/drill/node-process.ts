import type { Terminal } from '@holdfast/cli'
import { loadBootstrap } from '@holdfast/server/control/bootstrap/bootstrap.ts'
import { breakableCustody } from '@holdfast/server/keys/testing/breakable-custody.ts'
import { serve } from '../serve.ts'
import { answerParent, configOf } from './child.ts'
import type { NodeConfig } from './configs.ts'

/** `holdfast serve` of a drill: keys live for seconds, and one breaks when it is told to. */
const { file, keyTimes } = configOf<NodeConfig>()
const cwd = process.cwd()
const bootstrap = loadBootstrap({ cwd, env: {}, file })
if (!bootstrap.ok) throw new Error(JSON.stringify(bootstrap.problems))
const keyCustody = breakableCustody()
const say = (line: string): void => void process.stderr.write(`${line}\n`)
const terminal: Terminal = { out: say, err: say, strong: text => text, faint: text => text }
const onReady = (): void =>
  answerParent({
    break: kid => void keyCustody.faults.set(kid, 'wrong'),
    cpu: () => process.cpuUsage(),
  })
/** One machine is every client here: what each of them may fail and ask adds up. */
const many = 1e9
const limits = {
  ...{ unbackedTokensPerMinute: many, unbackedPagesPerMinute: many },
  ...{ clientFailuresPerMinute: many, prefixFailuresPerMinute: many },
}
process.exitCode = await serve({
  ...{ bootstrap: bootstrap.value, cwd, terminal, log: 'warn' },
  rehearsal: { keyTimes, keyCustody, limits, onReady },
})
process.exit()
