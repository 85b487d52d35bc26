import { type NodeConfig, startNode } from './node.ts'

/** A node in a process of its own, so that it can be killed. Its one argument is the config as JSON. */
const node = await startNode(JSON.parse(process.argv[2] ?? '{}') as NodeConfig)
process.send?.('ready')
process.on('message', message => {
  if (message === 'cpu') process.send?.({ cpu: process.cpuUsage(), memory: process.memoryUsage().rss })
  if (message === 'stop') void node.close().then(() => process.exit(0))
})
process.on('disconnect', () => process.exit(0))
