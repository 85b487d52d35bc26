import assert from 'node:assert/strict'
import { test } from 'node:test'
import { urlParts } from './url-parts.ts'

test('the parts of a URL are the same the second time, and after a thousand others', () => {
  const bank = { protocol: 'https:', host: 'bank.example:8443' }
  const seen = (): unknown => urlParts('https://bank.example:8443/path?query')
  assert.deepEqual(seen(), bank)
  assert.equal(seen(), seen())
  for (let index = 0; index < 1001; index++)
    assert.equal(urlParts(`https://h${index}.example`).host, `h${index}.example`)
  assert.deepEqual(seen(), bank)
})

test('a scheme of an application has no host, and what is no URL has no parts', () => {
  assert.deepEqual(urlParts('com.example.app:/cb'), { protocol: 'com.example.app:', host: '' })
  assert.throws(() => urlParts('nonsense'), TypeError)
})
