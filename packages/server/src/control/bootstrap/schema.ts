import { z } from 'zod'
import { acrValue } from '../acr-demand.ts'
import { busSchema } from './bus.ts'
import { connectionsSchema } from './connections.ts'
import { custodySchema } from './custody.ts'
import { remoteEnginesSchema } from './remote-engines.ts'

const port = z.number().int().min(0).max(65_535)
const listener = (defaultPort: number) =>
  z
    .strictObject({ host: z.string().min(1).default('127.0.0.1'), port: port.default(defaultPort) })
    .prefault({})

/** An issuer identifier: https, no query, fragment or userinfo, no slash at the end (RFC 8414 section 2). */
const issuerUrl = z
  .string()
  .max(512)
  .refine(isIssuerUrl, 'must be an https URL without query, fragment, userinfo and trailing slash')

/** An origin: the admin API has a host and port of its own, and no path but its own. */
const adminUrl = issuerUrl.refine(
  text => !URL.canParse(text) || new URL(text).pathname === '/',
  'must be an origin such as `https://admin.example`, without a path',
)

const issuer = z.strictObject({
  /** Name that documents call it by. */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
    .default('main'),
  url: issuerUrl,
  /** Where clients with certificates connect; made from `url` and the port of `listeners.mtls` when absent. */
  mtlsUrl: issuerUrl.optional(),
  environment: z.enum(['development', 'production']).default('production'),
  /** PEM files of the authorities that may sign `tls_client_auth` certificates. */
  clientTrustAnchorFiles: z.array(z.string()).max(20).default([]),
  clientCertificateRevocation: z
    .strictObject({
      /** `soft` in production and `off` in development when absent. */
      policy: z.enum(['off', 'soft', 'hard']).optional(),
      /** Lists of those authorities, DER or PEM; read again when they change. */
      listFiles: z.array(z.string().min(1)).max(20).default([]),
    })
    .prefault({}),
})

const sqlite = z.strictObject({
  driver: z.literal('sqlite'),
  /** Relative to the data folder. */
  path: z.string().min(1).default('holdfast.db'),
})

const postgres = z.strictObject({
  driver: z.literal('postgres'),
  url: z.string().optional(),
  /** A file that holds the URL, for those who keep secrets in files. */
  urlFile: z.string().optional(),
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/)
    .optional(),
  /** Beside what PostgreSQL tells its listeners: for poolers that pass nothing on, and many nodes. */
  bus: busSchema,
})

/** `holdfast.yaml`: what a process must know before it can open its store. */
export const bootstrapSchema = z.strictObject({
  dataFolder: z.string().min(1).default('.holdfast'),
  issuers: z
    .array(issuer)
    .min(1)
    .max(50)
    .prefault([{ name: 'main', url: 'https://localhost:8443', environment: 'development' }]),
  listeners: z
    .strictObject({
      public: listener(8443),
      mtls: listener(8444),
      gateway: listener(8446),
      demoApi: listener(8447),
      management: listener(9000),
      admin: listener(8445),
    })
    .prefault({}),
  /** The admin API over HTTPS. Absent: on in development, off in production. */
  admin: z
    .strictObject({
      enabled: z.boolean().default(true),
      /** Name of the issuer whose tokens are good there; the first one when absent. */
      issuer: z.string().optional(),
      /** Origin by which it is reached; made from the host of the issuer and the port of `listeners.admin` when absent. */
      url: adminUrl.optional(),
      /** Least `acr` of a user who writes what needs two persons. */
      highRiskAcr: acrValue.default('urn:holdfast:acr:mfa'),
    })
    .optional(),
  store: z.discriminatedUnion('driver', [sqlite, postgres]).prefault({ driver: 'sqlite' }),
  /** Both or neither; without them a development issuer makes its own authority. */
  tls: z
    .strictObject({ certificateFile: z.string().optional(), privateKeyFile: z.string().optional() })
    .prefault({}),
  /** 32 bytes, base64; made in the data folder when a development issuer starts without. */
  keyEncryptionKeyFile: z.string().optional(),
  keys: z
    .strictObject({
      /** Age at which a signing key is followed by a new one; 0: by command only. */
      rotateAfterDays: z.number().int().min(0).max(3650).default(90),
      /** How long a new key waits for verifiers that do not have it, beyond the time it is announced anyway. */
      waitForVerifiersHours: z.number().int().min(0).max(720).default(24),
      custody: custodySchema,
    })
    .prefault({}),
  remoteEngines: remoteEnginesSchema,
  connections: connectionsSchema,
  risk: z
    .strictObject({
      /** Which network is where, CSV or a JSON object on each line; without it nobody knows. */
      geographyFile: z.string().min(1).optional(),
    })
    .prefault({}),
  /** Addresses or networks whose `Forwarded` headers are believed. */
  trustedProxies: z.array(z.string()).max(100).default([]),
  /** Demo documents and demo API; development only. */
  demo: z.boolean().optional(),
  /** `/ciba/test-answer` answers for users, so that programs can test CIBA; development only. */
  testOnlyBackchannelAnswers: z.boolean().default(false),
})

export type BootstrapFile = z.infer<typeof bootstrapSchema>

function isIssuerUrl(text: string): boolean {
  if (!URL.canParse(text) || /[?#\s]/.test(text) || text.endsWith('/')) return false
  const { protocol, username, password, href } = new URL(text)
  const isCanonical = href === text || href === `${text}/`
  return protocol === 'https:' && username === '' && password === '' && isCanonical
}
