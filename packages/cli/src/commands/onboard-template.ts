import type { Command } from 'commander'
import { stringify } from 'yaml'
import type { Desk } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

/** A kind of client that is asked for often: its Client document, and what its record says by itself. */
interface Template {
  readonly what: string
  readonly spec: object
  readonly riskTier: number
  readonly certification?: { readonly against: string }
}

const placeholderKeys = {
  keys: [{ kty: 'EC', crv: 'P-256', x: '…', y: '…', kid: '2031-01', use: 'sig', alg: 'ES256' }],
}
const web = {
  client_name: 'Name that users know',
  redirect_uris: ['https://app.example/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope: 'openid',
}
const fapi2Certification = { against: 'FAPI 2.0 Security Profile, conformance suite' }

const templates: Readonly<Record<string, Template>> = {
  fapi2: {
    what: 'a web application with FAPI 2.0, its own key and DPoP',
    spec: {
      profile: 'fapi2-security',
      resources: [],
      metadata: {
        ...{ ...web, token_endpoint_auth_method: 'private_key_jwt', dpop_bound_access_tokens: true },
        jwks_uri: 'https://app.example/jwks.json',
      },
    },
    riskTier: 3,
    certification: fapi2Certification,
  },
  'fapi2-mtls': {
    what: 'a web application with FAPI 2.0 and a certificate',
    spec: {
      profile: 'fapi2-security',
      resources: [],
      metadata: {
        ...{ ...web, token_endpoint_auth_method: 'tls_client_auth' },
        ...{ tls_client_auth_san_dns: 'app.example', tls_client_certificate_bound_access_tokens: true },
      },
    },
    riskTier: 3,
    certification: fapi2Certification,
  },
  machine: {
    what: 'a service that acts for itself',
    spec: {
      profile: 'fapi2-security',
      resources: [],
      metadata: {
        ...{
          client_name: 'Name of the service',
          grant_types: ['client_credentials'],
          scope: 'name-of-a-scope',
        },
        ...{ token_endpoint_auth_method: 'private_key_jwt', dpop_bound_access_tokens: true },
        jwks: placeholderKeys,
      },
    },
    riskTier: 2,
  },
  web: {
    what: 'a web application of low risk, with a secret; needs a floor of `oidc-baseline`',
    spec: {
      profile: 'oidc-baseline',
      resources: [],
      metadata: { ...web, token_endpoint_auth_method: 'client_secret_basic' },
    },
    riskTier: 1,
  },
}

/** `holdfast onboard template`: where a file of your own begins. */
export function addOnboardTemplate(onboard: Command, desk: Desk): void {
  const names = Object.entries(templates).map(([name, { what }]) => `  ${name.padEnd(12)}${what}`)
  onboard
    .command('template <name>')
    .description('print a record to fill in, or with `--client` the Client document to apply; asks no server')
    .option('--client', 'the Client document instead of the record')
    .option('--id <client id>', 'of the client', 'my-client')
    .addHelpText('after', `\nTemplates:\n${names.join('\n')}`)
    .action((name: string, options: { client?: boolean; id: string }) => {
      const template = Object.hasOwn(templates, name) ? templates[name] : undefined
      if (template === undefined) {
        desk.terminal.err(`there is no template \`${name}\`: ${Object.keys(templates).join(', ')}`)
        return desk.leave(exitCodes.usage)
      }
      const text =
        options.client === true ? clientText(template, options.id) : recordText(template, options.id)
      desk.terminal.out(text.trimEnd())
      desk.leave(exitCodes.done)
    })
}

function clientText({ spec }: Template, name: string): string {
  return yaml({ apiVersion: 'holdfast/v1', kind: 'Client', metadata: { name }, spec })
}

function recordText({ riskTier, certification }: Template, client: string): string {
  const certificates = '# PEM of what the client presents; needed with `tls_client_auth`\n'
  return [
    yaml({
      client,
      legalEntity: { name: 'Example Bank plc', registrationNumber: '01234567', jurisdiction: 'GB' },
      purpose: 'what the client does, for those who approve',
      evidence: [{ title: 'Extract of the register', reference: 'where it is kept' }],
    }),
    `${certificates}certificates: []\n`,
    '# 0 public, 1 low-risk user, 2 sensitive read, 3 sensitive write, 4 high value: two persons from 3 on\n',
    yaml({
      riskTier,
      securityOwner: { name: 'Security team', email: 'security@bank.example' },
      incidentContact: {
        name: 'Operations desk',
        email: 'incidents@bank.example',
        phone: '+44 20 0000 0000',
      },
    }),
    '# how old keys may become, and how long an old one works beside a new one\n',
    yaml({
      rotation: { keyDays: 365, overlapDays: 7 },
      ...(certification !== undefined && { certification }),
      reviewDays: 180,
    }),
  ].join('')
}

function yaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 120 })
}
