import type { KeyObject } from 'node:crypto'
import {
  type ClientKeySource,
  createResourceServer,
  publishAnswerKeys,
  publishMetadata,
  type ResourceServerOptions,
} from '@holdfast/resource-server'
import { protect, responseOf } from '@holdfast/resource-server/adapters/fetch.ts'

/** What differs between a test and a running API. */
export interface PaymentsOptions
  extends Pick<ResourceServerOptions, 'issuer' | 'audience' | 'fetch' | 'audit'> {
  /** The keys clients sign with, by client id: what they registered, `jwks` or `jwksUri`. */
  readonly clients: Readonly<Record<string, ClientKeySource>>
  /** The key this API signs answers with: Ed25519, for nothing else. */
  readonly answerKey: { readonly privateKey: KeyObject; readonly kid: string }
}

/** An API that takes payments from clients that sign them, and signs what it answers. */
export function openPayments(options: PaymentsOptions): (request: Request) => Promise<Response> {
  const { clients, answerKey, ...more } = options
  const api = createResourceServer({
    ...more,
    tokens: 'jwt',
    httpSignatures: {
      requests: { clients },
      answers: { ...answerKey, alg: 'EdDSA', jwksUri: `${options.audience}/keys` },
    },
  })
  const metadata = publishMetadata(api)
  const keys = publishAnswerKeys(api)
  const pay = protect(api, { scopes: ['payments:write'] }, async (request, token) => {
    const { amount } = (await request.json()) as { readonly amount: string }
    return Response.json({ paid: amount, for: token.subject, signedBy: token.signedBy }, { status: 201 })
  })
  return async request => {
    const { pathname } = new URL(request.url)
    const published = [metadata, keys].find(({ path }) => path === pathname)
    if (published !== undefined) return responseOf(published.answer(request.method))
    return pathname === '/payments' ? await pay(request) : new Response(null, { status: 404 })
  }
}
