import { profiles } from '@holdfast/protocol'
import { z } from 'zod'

const address = (port: number) =>
  z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).default(port),
    })
    .prefault({})
const milliseconds = z.number().int().min(1).max(600_000).optional()
const httpsUrl = z
  .string()
  .max(512)
  .regex(/^https:\/\//, 'must begin with https://')

const thumbprint = z.string().regex(/^[\w-]{43}$/, 'must be a thumbprint (x5t#S256)')

const upstream = z.strictObject({
  url: httpsUrl,
  /** PEM file of the only authority that may have signed the API's certificate. */
  caFile: z.string(),
  /** PEM files with which the gateway proves itself to the API. */
  certificateFile: z.string(),
  privateKeyFile: z.string(),
  serverName: z.string().optional(),
  connectTimeoutMs: milliseconds,
  answerTimeoutMs: milliseconds,
  idleTimeoutMs: milliseconds,
  inFlightMax: z.number().int().min(1).max(10_000).optional(),
})

const api = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  /** Resource identifier: what `aud` of a token must name. */
  audience: httpsUrl,
  /** Name of the API behind the gateway; made of `holdfast:api:` and its name when absent. */
  evidenceAudience: z.string().min(1).max(256).optional(),
  /** Needed unless `listener` is `off`. */
  upstream: upstream.optional(),
  /** Name of a shipped profile or tier. */
  profile: z.enum([...profiles.keys()]).optional(),
  senderConstraint: z.enum(['required', 'allowed']).optional(),
  senderConstraintMethods: z
    .array(z.enum(['dpop', 'mtls']))
    .min(1)
    .optional(),
  dpopNonce: z.enum(['off', 'required']).optional(),
  cacheSeconds: z.number().int().min(0).max(10).optional(),
  clients: z.array(z.string()).max(1000).optional(),
  tenant: z.string().optional(),
  requestFields: z.array(z.string()).max(50).optional(),
  clientCert: z.boolean().optional(),
})

const guard = {
  timeoutMs: z.number().int().min(1).max(10_000).optional(),
  failuresMax: z.number().int().min(1).max(100).optional(),
  pauseMs: z.number().int().min(100).max(60_000).optional(),
}

const remotePoint = z.strictObject({
  url: httpsUrl,
  /** PEM file of the authority of its certificate, when it is not a public one. */
  caFile: z.string().optional(),
  /** File with a bearer token that the point takes; read for each question. */
  tokenFile: z.string().optional(),
  ...guard,
})

/** Who decides about requests: exactly one of four ways. */
const decisionPoint = z
  .strictObject({
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
    /** The active policies of the issuer, or its `DecisionPoint` by `url`, asked by the gateway's own client. */
    issuer: z.strictObject({ url: httpsUrl.optional(), ...guard }).optional(),
    /** AuthZEN 1.0: its evaluation endpoint. */
    authzen: remotePoint.optional(),
    /** Open Policy Agent: its document. */
    opa: remotePoint.optional(),
    /** Cedar policies that the gateway evaluates itself, as they are when it starts. */
    policies: z
      .strictObject({
        schemaFile: z.string(),
        policyFiles: z.array(z.string()).min(1).max(100),
        entitiesFile: z.string().optional(),
        givenTypes: z.array(z.string()).max(50).default([]),
      })
      .optional(),
  })
  .refine(
    ({ issuer, authzen, opa, policies }) => [issuer, authzen, opa, policies].filter(Boolean).length === 1,
    'says exactly one of `issuer`, `authzen`, `opa` and `policies`',
  )

const decision = z.strictObject({
  point: z.string(),
  action: z.string().min(1).max(128),
  resource: z.strictObject({ type: z.string().min(1).max(128), id: z.string().min(1).max(256) }),
  subjectType: z.string().min(1).max(128).optional(),
})

const route = z.strictObject({
  api: z.string(),
  methods: z.array(z.string()).min(1).max(7),
  path: z.string().max(2048),
  scopes: z.array(z.string()).max(50).optional(),
  acrValues: z.array(z.string()).max(20).optional(),
  maxAgeSeconds: z.number().int().min(0).optional(),
  /** Name of a shipped profile or tier; the stricter of it and that of the API holds. */
  profile: z.enum([...profiles.keys()]).optional(),
  action: z.string().max(128).optional(),
  /** Who decides about each request, and about which object. */
  decision: decision.optional(),
  bodyBytesMax: z.number().int().min(0).max(1_073_741_824).optional(),
  requestsPerMinute: z.number().int().min(1).max(1_000_000).optional(),
  webSocket: z.boolean().optional(),
})

/** `gateway.yaml`: everything a gateway must know. Paths are relative to the file. */
export const gatewayFileSchema = z.strictObject({
  externalUrl: httpsUrl,
  /** `off`: only checks are made, and another gateway forwards. */
  listener: z.union([z.literal('off'), address(8446)]).prefault({}),
  /** Where other gateways ask, and which of them are answered. */
  check: z
    .strictObject({
      listener: address(8450),
      callers: z.array(thumbprint).max(100).optional(),
      /** Files with one key each, at least 43 characters. */
      keyFiles: z.array(z.string()).min(1).max(2).optional(),
    })
    .optional(),
  management: address(9001),
  tls: z.strictObject({ certificateFile: z.string(), privateKeyFile: z.string() }),
  issuer: z.strictObject({
    url: httpsUrl,
    /** PEM file of the authority of the issuer's certificate, when it is not a public one. */
    caFile: z.string().optional(),
  }),
  /** The gateway's client at the issuer: a private JWK, for `private_key_jwt`. */
  client: z.strictObject({ clientId: z.string().min(1), privateKeyFile: z.string() }),
  /** Private JWK, P-256 or Ed25519, for evidence and nothing else. */
  evidenceKeyFile: z.string(),
  /** How long the feed may be silent before every token is asked about; `off` for an issuer that has none. */
  revocationFeed: z
    .union([
      z.literal('off'),
      z.strictObject({ silenceBoundMs: z.number().int().min(1500).max(4500).default(3000) }),
    ])
    .default({ silenceBoundMs: 3000 }),
  auditFile: z.string(),
  /** Where several gateways remember proofs together; without it, in this process. */
  replay: z
    .strictObject({
      /** PostgreSQL, `postgres://…`; from the environment, because it holds a password. */
      connectionString: z.string().regex(/^postgres(?:ql)?:\/\//, 'must begin with postgres://'),
      /** At least 32 random bytes, the same file for all gateways: a nonce of one serves at the others. */
      nonceSecretFile: z.string(),
    })
    .optional(),
  trustedProxies: z.array(thumbprint).max(100).default([]),
  limits: z
    .strictObject({
      headersTimeoutMs: milliseconds,
      bodyTimeoutMs: milliseconds,
      idleTimeoutMs: milliseconds,
      connectionsMax: z.number().int().min(1).optional(),
      inFlightMax: z.number().int().min(1).optional(),
      failuresPerMinute: z.number().int().min(1).optional(),
    })
    .prefault({}),
  /** Answers name the rule that refused; not for production. */
  explain: z.boolean().default(false),
  decisionPoints: z.array(decisionPoint).max(50).default([]),
  apis: z.array(api).min(1).max(200),
  routes: z.array(route).min(1).max(1000),
})

export type GatewayFile = z.infer<typeof gatewayFileSchema>
