import { Agent, type Dispatcher, fetch as undiciFetch } from 'undici'
import type { Product, ProductClient } from './product.ts'

/** Connections that trust the product's CA and, when given, prove a client certificate. */
export function dispatcherFor(product: Pick<Product, 'caPem'>, client?: ProductClient): Agent {
  return new Agent({
    connect: {
      ca: product.caPem,
      ...(client?.certificate && { cert: client.certificate.certPem, key: client.certificate.keyPem }),
    },
    keepAliveTimeout: 1000,
  })
}

/** `fetch` over a dispatcher, in the shape both client libraries take. */
export function fetchOver(dispatcher: Dispatcher): (url: string, options: object) => Promise<Response> {
  return async (url, options) =>
    (await undiciFetch(url, { ...options, dispatcher } as never)) as unknown as Response
}
