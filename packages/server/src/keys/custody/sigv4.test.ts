import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AwsRequest, signedHeaders } from './sigv4.ts'

/** The credentials, the hour and the answers of the test suite that AWS publishes for Signature Version 4. */
const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: undefined,
}
const now = Date.UTC(2015, 7, 30, 12, 36) / 1000
const base: AwsRequest = {
  ...{ method: 'GET', url: new URL('https://example.amazonaws.com/'), headers: {}, body: '' },
  ...{ region: 'us-east-1', service: 'service', now },
}
const form = { 'content-type': 'application/x-www-form-urlencoded' }

const vectors: readonly [name: string, change: Partial<AwsRequest>, signature: string][] = [
  ['get-vanilla', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['post-vanilla', { method: 'POST' }, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    'get-vanilla-query-order-key-case',
    { url: new URL('https://example.amazonaws.com/?Param2=value2&Param1=value1') },
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  [
    'post-x-www-form-urlencoded',
    { method: 'POST', headers: form, body: 'Param1=value1' },
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  ],
]

describe('AWS Signature Version 4', () => {
  for (const [name, change, signature] of vectors)
    it(`signs ${name} as AWS does`, () => {
      const { authorization = '' } = signedHeaders({ ...base, ...change }, credentials)
      assert.equal(/Signature=(\w+)$/.exec(authorization)?.[1], signature)
    })

  it('signs the example of the reference manual as it stands there', () => {
    const url = new URL('https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08')
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
    const { authorization } = signedHeaders({ ...base, url, headers, service: 'iam' }, credentials)
    assert.equal(
      authorization,
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, ' +
        'SignedHeaders=content-type;host;x-amz-date, ' +
        'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    )
  })

  it('signs the token of a session with the rest', () => {
    const headers = signedHeaders(base, { ...credentials, sessionToken: 'session' })
    assert.equal(headers['x-amz-security-token'], 'session')
    assert.match(headers.authorization ?? '', /SignedHeaders=host;x-amz-date;x-amz-security-token,/)
  })
})
