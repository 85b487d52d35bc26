import { createHash, createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { identities } from '../../http/testing/edge-world.ts'
import type { AwsCredentials } from '../custody/sigv4.ts'
import { signDigest } from './sign-digest.ts'

/** A key service that answers as AWS documents, and checks the signature of every request by steps of its own. */
export interface FakeKms {
  readonly endpoint: string
  readonly credentials: AwsCredentials
  /** Actions asked for, in order. */
  readonly asked: string[]
  /** The next answers, instead of good ones. */
  readonly faults: ('500' | 'no-json' | 'wrong-signature' | 'cut')[]
  readonly close: () => Promise<void>
}

export const region = 'eu-test-1'

export async function openFakeKms(): Promise<FakeKms> {
  const credentials = {
    accessKeyId: 'AKIDTEST',
    secretAccessKey: 'secret/with+signs',
    sessionToken: 'session',
  }
  const keys = new Map<string, { privateKey: KeyObject; publicKey: KeyObject; isEnding: boolean }>()
  const asked: string[] = []
  const faults: FakeKms['faults'] = []
  const { server: identity } = await identities()
  const server = createServer({ cert: identity.certPem, key: identity.keyPem }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const headers = request.headers as Readonly<Record<string, string>>
      const action = String(headers['x-amz-target']).replace('TrentService.', '')
      asked.push(action)
      const answer = (status: number, value: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
        response.end(typeof value === 'string' ? value : JSON.stringify(value))
      }
      const fault = faults.shift()
      if (fault === '500') return answer(500, { __type: 'KMSInternalException' })
      if (fault === 'no-json') return answer(200, '<html>')
      if (fault === 'cut') return void request.socket.destroy()
      if (!isSigned(headers, body, credentials)) return answer(400, { __type: 'InvalidSignatureException' })
      const given = JSON.parse(body) as Readonly<Record<string, string>>
      if (action === 'CreateKey') {
        const id = `key-${keys.size}`
        const pair =
          given.KeySpec === 'ECC_NIST_P256'
            ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
            : generateKeyPairSync('rsa', { modulusLength: 2048 })
        keys.set(id, { ...pair, isEnding: false })
        return answer(200, { KeyMetadata: { KeyId: id, KeyUsage: given.KeyUsage } })
      }
      const key = keys.get(given.KeyId ?? '')
      if (key === undefined) return answer(400, { __type: 'NotFoundException' })
      if (key.isEnding) return answer(400, { __type: 'KMSInvalidStateException' })
      if (action === 'GetPublicKey') {
        const der = key.publicKey.export({ type: 'spki', format: 'der' })
        return answer(200, { KeyId: given.KeyId, PublicKey: der.toString('base64') })
      }
      if (action === 'ScheduleKeyDeletion') {
        keys.set(given.KeyId ?? '', { ...key, isEnding: true })
        return answer(200, { KeyId: given.KeyId, DeletionDate: 1 })
      }
      const digest = Buffer.from(given.Message ?? '', 'base64')
      if (fault === 'wrong-signature') digest.writeUInt8(digest.readUInt8(0) ^ 1)
      const made = signDigest(given.SigningAlgorithm ?? '', digest, key.privateKey)
      if (given.MessageType !== 'DIGEST' || digest.length !== 32 || made === undefined)
        return answer(400, { __type: 'ValidationException' })
      return answer(200, { KeyId: given.KeyId, Signature: made.toString('base64') })
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    ...{ credentials, asked, faults, endpoint: `https://localhost:${port}` },
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** The steps of the manual, from what arrived: every header that was signed must have arrived as it was. */
function isSigned(
  headers: Readonly<Record<string, string>>,
  body: string,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
): boolean {
  const found = /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    headers.authorization ?? '',
  )
  if (found === null) return false
  const [, credential = '', names = '', signature = ''] = found
  const stamp = headers['x-amz-date'] ?? ''
  const scope = `${stamp.slice(0, 8)}/${region}/kms/aws4_request`
  if (credential !== `${accessKeyId}/${scope}`) return false
  const mustSign = ['content-type', 'host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']
  if (names !== mustSign.join(';') || headers['x-amz-security-token'] !== sessionToken) return false
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
  const lines = mustSign.map(field => `${field}:${headers[field]}`).join('\n')
  const canonical = `POST\n/\n\n${lines}\n\n${names}\n${digest(body)}`
  const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const day = mac(`AWS4${secretAccessKey}`, stamp.slice(0, 8))
  const key = mac(mac(mac(day, region), 'kms'), 'aws4_request')
  const expected = mac(key, `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${digest(canonical)}`)
  return expected.toString('hex') === signature
}
