import { parseArgs } from 'node:util'
import { anotherNode, forkNode, prepareProduct, stopNode, withoutFailureLimits } from '../product/start.ts'
import { listen, measureRevocations, openClient, whenTrusted } from './revocation.ts'

/** node test/harness/run-revocation.ts --count 1000 --at-once 8 */
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    'at-once': { type: 'string', default: '8' },
  },
})
const prepared = await prepareProduct('postgres', { limits: withoutFailureLimits })
const other = await anotherNode(prepared.config)
const nodes = [await forkNode(prepared.config), await forkNode(other)]
try {
  const bound = await openClient(prepared.product)
  const apis = [prepared.config.publicPort, other.publicPort].map(port =>
    listen(prepared.product, port, bound.key),
  )
  for (const api of apis) await whenTrusted(api)
  const figures = await measureRevocations(bound, apis, Number(values.count), Number(values['at-once']))
  const statuses = apis.map(({ api }) => api.feedStatus())
  process.stdout.write(`${JSON.stringify({ ...figures, byTheProduct: statuses }, undefined, 2)}\n`)
  for (const api of apis) await api.close()
  await bound.close()
} finally {
  for (const node of nodes) await stopNode(node)
  await prepared.remove()
}
