import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import express from 'express'
import { protect } from '../adapters/express.ts'
import { testBed } from '../test-bed.ts'

test('a request that was answered before its token was judged does not end the process', async () => {
  let judged: () => void = () => undefined
  const isJudged = new Promise<void>(resolve => {
    judged = resolve
  })
  const bed = testBed({ audit: () => judged(), transport: 'terminated' })
  const unheard: unknown[] = []
  const hear = (reason: unknown): void => {
    unheard.push(reason)
  }
  process.on('unhandledRejection', hear)
  const app = express()
  // What a time limit does that fires while introspection is slow.
  app.use((_request, response, next) => {
    next()
    response.status(503).end()
  })
  app.get('/payments/7', protect(bed.api), (_request, response) => {
    response.end()
  })
  app.use((_error: unknown, _request: unknown, _response: unknown, next: () => void) => next())
  const server = createServer(app)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { status } = await fetch(`http://127.0.0.1:${port}/payments/7`)
  assert.equal(status, 503)
  await isJudged
  await new Promise(resolve => setTimeout(resolve, 20))
  process.off('unhandledRejection', hear)
  server.close()
  server.closeAllConnections()
  assert.deepEqual(unheard, [])
})
