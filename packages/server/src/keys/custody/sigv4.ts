import { createHash, createHmac } from 'node:crypto'

export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
}

export interface AwsRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  /** Without `host`, which is taken from `url`. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly region: string
  readonly service: string
  /** Seconds since 1970. */
  readonly now: number
}

const algorithm = 'AWS4-HMAC-SHA256'

/**
 * AWS Signature Version 4, for paths and queries that need no normalisation: those of key services are `/` and empty.
 * @returns the headers to send, `authorization` among them
 */
export function signedHeaders(
  { method, url, headers, body, region, service, now }: AwsRequest,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
): Readonly<Record<string, string>> {
  const stamp = new Date(now * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const day = stamp.slice(0, 8)
  const all: Readonly<Record<string, string>> = {
    ...headers,
    'x-amz-date': stamp,
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
  }
  const signed = Object.entries({ ...all, host: url.host })
    .map(([name, value]) => [name.toLowerCase(), value.trim()] as const)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
  const names = signed.map(([field]) => field).join(';')
  const lines = signed.map(([field, value]) => `${field}:${value}\n`).join('')
  const query = [...url.searchParams]
    .map(([field, value]) => `${encodeURIComponent(field)}=${encodeURIComponent(value)}`)
    .toSorted()
    .join('&')
  const canonical = [method, url.pathname, query, lines, names, sha256(body)].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = [algorithm, stamp, scope, sha256(canonical)].join('\n')
  const key = [day, region, service, 'aws4_request'].reduce<Buffer>(
    (made, part) => createHmac('sha256', made).update(part).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  )
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  const credential = `Credential=${accessKeyId}/${scope}`
  return {
    ...all,
    authorization: `${algorithm} ${credential}, SignedHeaders=${names}, Signature=${signature}`,
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
