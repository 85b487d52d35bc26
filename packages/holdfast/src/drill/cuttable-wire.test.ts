import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openCuttableWire } from './cuttable-wire.ts'

test('a wire that is cut swallows everything and closes nothing; mended, it carries what is new', async t => {
  const echo = createServer(socket => socket.on('error', () => undefined).pipe(socket))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const wire = await openCuttableWire((echo.address() as AddressInfo).port)
  const dial = async (): Promise<{ readonly socket: Socket; readonly heard: string[] }> => {
    const socket = connect(wire.port, '127.0.0.1').setEncoding('utf8')
    t.after(() => socket.destroy())
    const heard: string[] = []
    socket.on('data', text => heard.push(String(text)))
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return { socket, heard }
  }
  t.after(() => {
    wire.close()
    echo.close()
  })
  const first = await dial()
  first.socket.write('before')
  await once(first.socket, 'data')
  wire.cut()
  const second = await dial()
  for (const { socket } of [first, second]) socket.write('meanwhile')
  await pause(150)
  assert.deepEqual([first.heard, second.heard], [['before'], []])
  assert.deepEqual([first.socket.closed, second.socket.closed], [false, false])
  const closed = Promise.all([once(first.socket, 'close'), once(second.socket, 'close')])
  wire.mend()
  await closed
  const third = await dial()
  third.socket.write('after')
  await once(third.socket, 'data')
  assert.deepEqual(third.heard, ['after'])
})
