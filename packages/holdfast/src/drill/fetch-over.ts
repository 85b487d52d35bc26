import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { Fetch, FetchedResponse } from '@holdfast/resource-server'
import type { Network } from './configs.ts'

/** The way to the issuer, the feed on a port of its own: the address in the URL stays what certificate and proofs say. */
export function fetchOver({ feedPort, restPort }: Network, ca: string): Fetch {
  const agent = new Agent({ keepAlive: true, ca })
  return (url, { method, headers, body, signal }) =>
    new Promise<FetchedResponse>((done, fail) => {
      const { host, hostname, pathname, search } = new URL(url)
      const port = pathname.endsWith('/revocations') ? feedPort : restPort
      const outgoing = request(
        {
          ...{ hostname, port, path: pathname + search, method, agent, signal },
          headers: { ...headers, host },
        },
        (answer: IncomingMessage) => done({ status: answer.statusCode ?? 0, body: answer }),
      )
      outgoing.on('error', fail)
      outgoing.end(body)
    })
}
