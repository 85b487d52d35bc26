import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Form, parseForm, readForm } from './form.ts'

function parsed(body: string): Form {
  const form = parseForm(body)
  assert.ok(form.ok, form.ok ? '' : form.reason)
  return form.value
}

function ruleOf(body: string): string | undefined {
  const form = parseForm(body)
  return form.ok ? undefined : form.ruleId
}

describe('form', () => {
  it('decodes names and values', () => {
    const form = parsed('a=1+2%203&b%5Bc%5D=%C3%A9&d=x%3Dy=z')
    assert.equal(form.get('a'), '1 2 3')
    assert.equal(form.get('b[c]'), 'é')
    assert.equal(form.get('d'), 'x=y=z')
    assert.deepEqual(form.names, ['a', 'b[c]', 'd'])
  })

  it('takes a parameter without value for absent', () => {
    const form = parsed('a=&b&c=1')
    assert.equal(form.get('a'), undefined)
    assert.equal(form.get('b'), undefined)
    assert.deepEqual(form.all('a'), [])
    assert.deepEqual(form.names, ['c'])
  })

  it('lets only `resource` repeat', () => {
    const form = parsed('resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb')
    assert.deepEqual(form.all('resource'), ['https://a', 'https://b'])
    assert.equal(form.get('resource'), undefined)
    assert.equal(ruleOf('scope=a&scope=a'), 'form.duplicate')
  })

  it('refuses a repeated parameter also when a value is missing or the name is spelt otherwise', () => {
    assert.equal(ruleOf('state=&state=x'), 'form.duplicate')
    assert.equal(ruleOf('state&state'), 'form.duplicate')
    assert.equal(ruleOf('state=x&st%61te=y'), 'form.duplicate')
  })

  it('names the repeated parameter, harmless in a log', () => {
    const form = parseForm('a%0Ab=1&a%0Ab=2')
    assert.ok(!form.ok)
    assert.equal(form.reason, '`a?b` is sent more than once')
  })

  it('does not answer for a repeated parameter where the room decides', () => {
    const reading = readForm('client_id=c&state=a&state=b&redirect_uri=r')
    assert.ok(reading.ok)
    assert.deepEqual(reading.value.repeated, ['state'])
    assert.equal(reading.value.form.get('state'), undefined)
    assert.deepEqual(reading.value.form.all('state'), [])
    assert.equal(reading.value.form.get('client_id'), 'c')
  })

  for (const [name, body] of [
    ['a bare percent sign', 'a=%'],
    ['half an escape', 'a=%4'],
    ['an escape that is no hex', 'a=%zz'],
    ['an overlong sequence', 'a=%C0%AF'],
    ['a cut sequence', 'a=%C3'],
    ['an encoded surrogate', 'a=%ED%A0%80'],
    ['U+0000', 'a=%00'],
    ['a raw space', 'a=b c'],
    ['a raw character outside ASCII', 'a=é'],
    ['a replacement character from a bad body', 'a=\ufffd'],
    ['a line break', 'a=b\n'],
    ['a malformed name', '%=1'],
    ['an empty name', '=1'],
  ] as const) {
    it(`refuses ${name} as \`form.encoding\``, () => assert.equal(ruleOf(body), 'form.encoding'))
  }

  it('takes 64 parameters and refuses 65 as `form.size`', () => {
    const body = (count: number): string =>
      Array.from({ length: count }, (_, index) => `p${index}=1`).join('&')
    assert.equal(ruleOf(body(64)), undefined)
    assert.equal(ruleOf(body(65)), 'form.size')
  })

  it('finds nothing by inheritance', () => {
    const form = parsed('a=1')
    assert.equal(form.get('constructor'), undefined)
    assert.equal(form.get('__proto__'), undefined)
    assert.equal(parsed('__proto__=x').get('__proto__'), 'x')
  })

  it('reads an empty body as no parameters', () => assert.deepEqual(parsed('').names, []))

  it('reads what `URLSearchParams` wrote', () => {
    const name = fc.string({ minLength: 1, unit: 'grapheme' }).filter(text => !text.includes('\0'))
    const value = fc.string({ unit: 'grapheme', minLength: 1 }).filter(text => !text.includes('\0'))
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, value), { selector: pair => pair[0], maxLength: 10 }),
        pairs => {
          const form = parsed(new URLSearchParams(pairs).toString())
          for (const [one, expected] of pairs) assert.equal(form.get(one), expected)
        },
      ),
    )
  })

  it('never throws and never takes a repeated parameter, whatever the text', () => {
    const pieces = fc.constantFrom('a', 'b', '=', '&', '%', '%61', '+', '\0', 'resource', 'é', ' ')
    fc.assert(
      fc.property(
        fc.array(pieces).map(list => list.join('')),
        body => {
          const form = parseForm(body)
          if (!form.ok) return
          for (const one of form.value.names)
            assert.ok(one === 'resource' || form.value.all(one).length === 1)
        },
      ),
      { numRuns: 500 },
    )
  })
})
