import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochSeconds } from '@holdfast/protocol'
import { systemClock } from '@holdfast/resource-server/ports.ts'
import { openBed, proofFor, send } from '../testing/bed.ts'

/** The clock of the gateway's machine steps; nobody gets in by it, and somebody is told. */

describe('the clock of the gateway', () => {
  for (const [what, seconds] of [
    ['ahead', 7200],
    ['back', -7200],
  ] as const)
    test(`that steps ${what} lets nobody in, raises an alarm, and serves again when it is right`, async () => {
      const step = { seconds: 0 }
      const clock = { now: () => epochSeconds(systemClock.now() + step.seconds) }
      const management = { host: '127.0.0.1', port: 0 }
      const bed = await openBed({ options: { clock, management } })
      try {
        const token = bed.token()
        const proof = proofFor(bed, { token })
        assert.equal((await send(bed, { token, proof })).status, 200)
        step.seconds = seconds
        const statuses = [
          (await send(bed, { token })).status,
          (await send(bed, { token: bed.token() })).status,
          (await send(bed, { token, proof })).status,
        ]
        assert.ok(
          statuses.every(status => status === 401 || status === 503),
          statuses.join(' '),
        )
        assert.equal(bed.received.length, 1)
        const stepped = () => bed.lines.filter(({ event }) => event === 'clock.stepped')
        for (let round = 0; round < 500 && stepped().length === 0; round++)
          await new Promise(resolve => setTimeout(resolve, 20))
        assert.equal(stepped()[0]?.fields.seconds, seconds)
        step.seconds = 0
        assert.equal((await send(bed, { token: bed.token() })).status, 200)
        assert.notEqual((await send(bed, { token, proof })).status, 200)
        const text = await (await fetch(`http://127.0.0.1:${bed.gateway.managementPort}/metrics`)).text()
        assert.match(text, new RegExp(`holdfast_gateway_clock_steps_total\\{direction="${what}"\\} 1`))
      } finally {
        await bed.close()
      }
    })
})
