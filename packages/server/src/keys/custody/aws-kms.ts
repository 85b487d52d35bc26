import { rawFromDer } from '@holdfast/protocol/jose/ecdsa.ts'
import { isJsonObject, type JsonObject, parseJson } from '@holdfast/protocol/wire/json.ts'
import { type Clock, Fault, type KeyServiceOutbound } from '../../ports.ts'
import { custodyFault, type DigestAlg, externalKeys, type SignDigest } from './external-key.ts'
import type { KeyCustody } from './key-custody.ts'
import { type AwsCredentials, signedHeaders } from './sigv4.ts'

export interface AwsKmsOptions {
  readonly region: string
  /** e.g. `https://kms.eu-central-1.amazonaws.com`. */
  readonly endpoint: string
  /** Read for every call, so that credentials that are renewed need no restart. */
  readonly readCredentials: () => Promise<AwsCredentials>
  readonly outbound: KeyServiceOutbound
  readonly clock: Clock
}

const name = 'aws-kms'
const bytesMax = 16_384
const timeoutMs = 3000
/** The least that AWS allows between asking for a key's end and its end. */
const deletionDays = 7

const keySpecs: Readonly<Record<DigestAlg, string>> = {
  ES256: 'ECC_NIST_P256',
  PS256: 'RSA_2048',
  RS256: 'RSA_2048',
}
const signingAlgorithms: Readonly<Record<DigestAlg, string>> = {
  ES256: 'ECDSA_SHA_256',
  PS256: 'RSASSA_PSS_SHA_256',
  RS256: 'RSASSA_PKCS1_V1_5_SHA_256',
}

/** Keys in AWS KMS: `CreateKey`, `GetPublicKey`, `Sign`, `ScheduleKeyDeletion`, and nothing else is asked for. */
export function awsKmsKeys(options: AwsKmsOptions): KeyCustody {
  const signer =
    (id: string): SignDigest =>
    async (alg, digest) => {
      const answer = await ask(options, 'Sign', {
        KeyId: id,
        Message: digest.toString('base64'),
        MessageType: 'DIGEST',
        SigningAlgorithm: signingAlgorithms[alg],
      })
      const signature = bytesOf(answer, 'Signature')
      return alg === 'ES256' ? rawOf(signature) : signature
    }
  return externalKeys({
    name,
    make: async alg => {
      const created = await ask(options, 'CreateKey', {
        KeySpec: keySpecs[alg],
        KeyUsage: 'SIGN_VERIFY',
        Description: `Holdfast signing key, ${alg}`,
      })
      const id = isJsonObject(created.KeyMetadata) ? created.KeyMetadata.KeyId : undefined
      if (typeof id !== 'string') throw fault('CreateKey named no key')
      return { id, spki: bytesOf(await ask(options, 'GetPublicKey', { KeyId: id }), 'PublicKey') }
    },
    signer,
    destroy: async id => {
      await ask(options, 'ScheduleKeyDeletion', { KeyId: id, PendingWindowInDays: deletionDays })
    },
  })
}

const fault = (detail: string, cause?: unknown): Fault => custodyFault(name, detail, cause)

async function ask(
  { region, endpoint, readCredentials, outbound, clock }: AwsKmsOptions,
  action: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<JsonObject> {
  const url = new URL('/', endpoint)
  const body = JSON.stringify(parameters)
  const fields = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${action}` }
  const request = {
    method: 'POST',
    url,
    headers: fields,
    body,
    region,
    service: 'kms',
    now: clock.now(),
  } as const
  try {
    const headers = signedHeaders(request, await readCredentials())
    const { status, text } = await outbound.postText(url.href, { headers, body, bytesMax, timeoutMs })
    if (status !== 200) throw fault(`${action} was answered ${status}`)
    const answer = parseJson(text)
    if (!isJsonObject(answer)) throw fault(`${action} was not answered with a JSON object`)
    return answer
  } catch (cause) {
    throw cause instanceof Fault && cause.code === 'keys.custody' ? cause : fault(`${action} failed`, cause)
  }
}

function bytesOf(answer: JsonObject, member: string): Buffer {
  const value = answer[member]
  if (typeof value !== 'string') throw fault(`the answer has no ${member}`)
  return Buffer.from(value, 'base64')
}

/** What is no signature in DER becomes none at all, and does not verify. */
function rawOf(der: Buffer): Buffer {
  try {
    return rawFromDer(der)
  } catch {
    return Buffer.alloc(0)
  }
}
