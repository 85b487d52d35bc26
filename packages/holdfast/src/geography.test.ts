import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openWorkshop } from './testing/product.ts'

test('a geography file is read before the server listens, and one that is wrong stops the start', async t => {
  const workshop = await openWorkshop()
  t.after(() => workshop.remove())
  appendFileSync(join(workshop.folder, 'holdfast.yaml'), 'risk: { geographyFile: places.csv }\n')
  const absent = await workshop.run(['serve'])
  assert.equal(absent.exitCode, 3)
  assert.match(absent.err, /places\.csv risk\.geographyFile: cannot read it \(ENOENT\)/)
  const places = join(workshop.folder, 'places.csv')
  writeFileSync(places, 'network,latitude,longitude\n192.0.2.0/24,52.5,13.4\n192.0.2.0,52.5,13.4\n')
  const wrong = await workshop.run(['serve'])
  assert.equal(wrong.exitCode, 3)
  assert.match(wrong.err, /places\.csv:3 .*is not a network[\s\S]*take `risk\.geographyFile` out/)
  writeFileSync(places, 'network,latitude,longitude\n192.0.2.0/24,52.5,13.4\n')
  const running = await workshop.start()
  assert.equal((await running.stop()).exitCode, 0)
})
