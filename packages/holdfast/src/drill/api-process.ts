import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { epochSeconds } from '@holdfast/protocol'
import {
  createResourceServer,
  type FeedStatus,
  inMemoryReplayMemory,
  openRevocationFeed,
} from '@holdfast/resource-server'
import { type ProtectedListener, protect } from '@holdfast/resource-server/adapters/node.ts'
import { systemClock } from '@holdfast/resource-server/ports.ts'
import { askForCertificate, tlsFloor } from '@holdfast/server/tls/server-options.ts'
import { answerParent, configOf } from './child.ts'
import { type ApiConfig, audienceOf, evidenceAudienceOf, pathOf } from './configs.ts'
import { fetchOver } from './fetch-over.ts'

/** The APIs of a drill: of every issuer one that takes opaque tokens and one that takes JWTs, behind the SDK. */
const { port, tls, caPem, clientId, clientKey, resources, network, issuers, gateway } = configOf<ApiConfig>()
const fetch = fetchOver(network, caPem)
const authentication = {
  ...({ method: 'private_key_jwt', alg: 'ES256', clientId, kid: clientKey.kid ?? '' } as const),
  privateKey: createPrivateKey({ format: 'jwk', key: clientKey }),
}
const onAlarm = (alarm: string, cause: unknown): void =>
  void process.stderr.write(`${JSON.stringify({ at: Date.now(), alarm, cause: String(cause) })}\n`)
const routes = new Map<string, RequestListener>()
const opened = issuers.map(({ name, url: issuer, gatewayUrl }) => {
  const feed = openRevocationFeed({ issuer, authentication, fetch, onAlarm })
  const replayMemory = inMemoryReplayMemory({ completeSince: systemClock.now() })
  const apis = resources.map(resource => {
    const api = createResourceServer({
      ...{ issuer, audience: audienceOf(resource), externalUrl: `https://localhost:${port}`, fetch, onAlarm },
      ...{ senderConstraint: 'required', replayMemory },
      tokens: {
        introspection: { authentication },
        ...(resource === 'ledger' && { jwt: true, jwtRevocation: 'feed' }),
        revocationFeed: feed,
        gateway: {
          ...{ issuer: gatewayUrl, audience: evidenceAudienceOf(resource) },
          // The gateway's key was made a moment ago: no evidence of it can be older than this memory.
          replayMemory: inMemoryReplayMemory({ completeSince: epochSeconds(0) }),
          ...{ keys: [gateway.publicJwk], peers: [gateway.thumbprint] },
        },
      },
    })
    const answer: ProtectedListener = (_request, response) => void response.end('{}')
    routes.set(pathOf(name, resource), protect(api, { scopes: [resource] }, answer))
    return api
  })
  return { feed, apis }
})

const server = createServer(
  { ...tlsFloor, ...askForCertificate, cert: tls.certPem, key: tls.keyPem },
  (incoming, response) => {
    const route = routes.get(incoming.url ?? '')
    if (route !== undefined) return route(incoming, response)
    response.writeHead(404).end()
  },
)
server.keepAliveTimeout = 60_000
server.listen(port, '127.0.0.1')
await once(server, 'listening')
for (const { apis } of opened) for (const api of apis) await api.warmUp()
answerParent({
  feed: (): readonly FeedStatus[] => opened.map(({ feed }) => feed.status()),
  cpu: () => process.cpuUsage(),
})
process.on('SIGTERM', () => process.exit(0))
