import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSameName, parseDistinguishedName } from './distinguished-name.ts'

function isSame(left: string, right: string): boolean {
  const [first, second] = [parseDistinguishedName(left), parseDistinguishedName(right)]
  assert.ok(first !== undefined, left)
  assert.ok(second !== undefined, right)
  return isSameName(first, second)
}

const same: readonly [string, string][] = [
  ['CN=a,O=B', 'CN=a, O=B'],
  ['CN=a,O=B', 'cn=A;o=b'],
  ['CN=a,O=B', 'O=B,CN=a'],
  ['CN=a+OU=c,O=B', 'OU=c+CN=a,O=B'],
  ['CN=two  words', 'CN= two words '],
  ['CN=a\\,b', 'CN=a\\2Cb'],
  ['CN=Lu\\C4\\8Di\\C4\\87', 'CN=Lučić'],
  ['1.3.6.1.4.1.311.60.2.1.3=#13024742,CN=a', 'jurisdictionCountryName=GB,CN=a'],
  ['emailAddress=a@b.example', 'E=a@b.example'],
]
for (const [left, right] of same)
  test(`${left} and ${right} are one name`, () => assert.ok(isSame(left, right)))

const different: readonly [string, string][] = [
  ['CN=a,O=B', 'CN=a'],
  ['CN=a,O=B', 'CN=a+O=B'],
  ['CN=a,O=B,C=GB', 'O=B,CN=a,C=GB'],
  ['CN=a\\,O\\=B', 'CN=a,O=B'],
  ['CN=a', 'OU=a'],
  ['CN=a b', 'CN=ab'],
]
for (const [left, right] of different)
  test(`${left} and ${right} are two names`, () => assert.ok(!isSame(left, right)))

for (const text of [
  '',
  'CN',
  'CN=',
  'CN=a,',
  '=a',
  'XX=a',
  'CN=a"b',
  'CN=a\\',
  'CN=a\\zz',
  'CN=#zz',
  'CN=#1302474',
  '1.2.=x',
])
  test(`${JSON.stringify(text)} is no distinguished name`, () => {
    assert.equal(parseDistinguishedName(text), undefined)
  })

test('no text makes the parser throw or hang', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => {
      parseDistinguishedName(text)
      parseDistinguishedName(`CN=${text}`)
    }),
    { numRuns: 500 },
  )
})
