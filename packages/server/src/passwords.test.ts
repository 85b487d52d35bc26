import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openPasswords } from './passwords.ts'
import { Fault } from './ports.ts'

const entropy = { bytes: (count: number): Buffer => randomBytes(count) }
const passwords = openPasswords({ entropy })

test('a hash verifies its own password and no other, in the PHC format with the stated cost', async () => {
  const encoded = await passwords.hash('correct horse')
  assert.match(encoded, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.equal(await passwords.verify('correct horse', encoded), true)
  assert.equal(await passwords.verify('correct horse ', encoded), false)
  assert.equal(await passwords.verify('', encoded), false)
  assert.notEqual(await passwords.hash('correct horse'), encoded)
})

test('the two ways to type an accent are one password', async () => {
  assert.equal(await passwords.verify('cafe\u0301', await passwords.hash('caf\u00e9')), true)
})

test('a known argon2id hash verifies', async () => {
  // From the test file of the reference implementation.
  const encoded = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  assert.equal(await passwords.verify('password', encoded), true)
})

test('a hash of another kind, or one that asks for too much memory, is a fault and costs nothing', async () => {
  const good = await passwords.hash('x')
  for (const bad of [
    '',
    'correct horse',
    good.replace('argon2id', 'argon2i'),
    good.replace('v=19', 'v=16'),
    good.replace('m=19456', 'm=262145'),
    good.replace('m=19456', 'm=7'),
    good.replace('t=2', 't=11'),
    good.replace('t=2', 't=0'),
    good.replace('p=1', 'p=5'),
    `${good}$`,
  ])
    await assert.rejects(
      passwords.verify('x', bad),
      (error: unknown) => error instanceof Fault && error.code === 'passwords.unreadable',
    )
})

test('verifying nothing is false and takes a turn of the pool, as verifying something does', async () => {
  const small = openPasswords({ entropy, parallel: 1, queueMax: 0 })
  const nothing = small.verifyNothing('x')
  await assert.rejects(small.hash('y'), (error: unknown) => (error as Fault).code === 'passwords.overloaded')
  assert.equal(await nothing, false)
  small.close()
})

test('one more than the queue holds is refused at once, and the queue drains', async () => {
  const small = openPasswords({ entropy, parallel: 1, queueMax: 2 })
  const begun = [small.hash('1'), small.hash('2'), small.hash('3')]
  await assert.rejects(small.hash('4'), (error: unknown) => (error as Fault).code === 'passwords.overloaded')
  assert.equal((await Promise.all(begun)).length, 3)
  await small.hash('5')
  small.close()
  await assert.rejects(small.hash('6'), (error: unknown) => (error as Fault).code === 'passwords.overloaded')
})
