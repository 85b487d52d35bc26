import { lambdaApiRequest } from '@holdfast/gateway/check/lambda-authorizer.ts'
import { createResourceServer } from '@holdfast/resource-server'

const { ISSUER = '', AUDIENCE = '', EXTERNAL_URL = '', EVIDENCE_KEY = '{}' } = process.env

const api = createResourceServer({
  issuer: ISSUER,
  audience: AUDIENCE,
  tokens: {
    gateway: {
      issuer: EXTERNAL_URL,
      audience: 'holdfast:api:bank',
      keys: [JSON.parse(EVIDENCE_KEY) as Readonly<Record<string, unknown>>],
    },
  },
})
const guard = api.guard({ scopes: ['accounts:read'] })

/** A function behind the authorizer: it verifies the evidence and believes no header. */
export async function handler(event: unknown): Promise<{
  readonly statusCode: number
  readonly body: string
}> {
  const verified = await guard(lambdaApiRequest(event))
  if (!verified.ok) return { statusCode: verified.status, body: verified.body }
  return { statusCode: 200, body: JSON.stringify({ subject: verified.value.subject }) }
}
