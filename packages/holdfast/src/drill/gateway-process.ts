import { createPrivateKey } from 'node:crypto'
import { evidenceKeyOf, type Gateway, openAuditFile, openGateway } from '@holdfast/gateway'
import { openLog } from '@holdfast/server/observe/log.ts'
import { answerParent, configOf } from './child.ts'
import { audienceOf, evidenceAudienceOf, type GatewayConfig, pathOf } from './configs.ts'
import { fetchOver } from './fetch-over.ts'

/** The gateways of a drill: one for each issuer, before the same APIs, as `holdfast gateway` opens them. */
const config = configOf<GatewayConfig>()
const { caPem, tls, identity, clientId, clientKey, resources } = config
const log = openLog({ level: 'warn', destination: process.stderr })
const audit = await openAuditFile(config.auditFile, cause => log.error('gateway.audit-failed', { cause }))
const fetch = fetchOver(config.network, caPem)
const gateways: Gateway[] = []
for (const { name, url: issuer, port } of config.issuers)
  gateways.push(
    await openGateway({
      externalUrl: `https://localhost:${port}`,
      address: { host: '127.0.0.1', port },
      ...{ tls, issuer, fetch, log, audit: audit.sink },
      introspection: {
        ...({ method: 'private_key_jwt', alg: 'ES256', clientId, kid: clientKey.kid ?? '' } as const),
        privateKey: createPrivateKey({ format: 'jwk', key: clientKey }),
      },
      evidenceKey: evidenceKeyOf(config.evidenceKey),
      // Every refusal here is one that a drill asked for.
      limits: { failuresPerMinute: 1e9 },
      apis: resources.map(resource => ({
        ...{ name: resource, audience: audienceOf(resource) },
        evidenceAudience: evidenceAudienceOf(resource),
        upstream: { url: `https://localhost:${config.apiPort}`, caPem, ...identity },
      })),
      routes: resources.map(resource => ({
        ...{ api: resource, methods: ['GET'], path: pathOf(name, resource), scopes: [resource] },
      })),
    }),
  )
answerParent({ cpu: () => process.cpuUsage() })
process.on('SIGTERM', () => {
  void Promise.all(gateways.map(gateway => gateway.close()))
    .then(() => audit.close())
    .then(() => process.exit(0))
})
