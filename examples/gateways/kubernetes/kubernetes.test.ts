import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { gatewayFileSchema } from '@holdfast/gateway'
import { parse } from 'yaml'
import { checkKey } from '../../../packages/gateway/src/testing/bed.ts'
import {
  at,
  contractOf,
  type Fields,
  headersOf,
  isHopByHop,
  kindOf,
  picked,
  shippedDocuments,
  textsAt,
  without,
} from '../contract.ts'
import { envoy } from '../envoy/emulate.ts'

const ingress = shippedDocuments('kubernetes/ingress-nginx.yaml')
const annotations = at(kindOf(ingress, 'Ingress'), 'metadata', 'annotations') as Readonly<
  Record<string, string>
>
const annotation = (name: string): string =>
  annotations[`nginx.ingress.kubernetes.io/${name}`] ?? assert.fail(name)
const configMap = (name: string): Readonly<Record<string, string>> => {
  const found = ingress.find(
    document => at(document, 'kind') === 'ConfigMap' && at(document, 'metadata', 'name') === name,
  )
  return at(found, 'data') as Readonly<Record<string, string>>
}

let requests = 0

// What ingress-nginx sends and does: the location of the check in rootfs/etc/nginx/template/nginx.tmpl of
// kubernetes/ingress-nginx. It sets X-Original-*, X-Real-IP, X-Forwarded-For itself and then what the ConfigMap says;
// a status other than 401 and 403 becomes 500, because auth_request knows no other.
contractOf({
  name: 'ingress-nginx',
  hasCheckId: true,
  hasCertificate: false,
  emulate: async ({ method, target, host, address, fields }, put) => {
    const variables: Readonly<Record<string, string>> = {
      $request_method: method,
      $scheme: 'https',
      $http_host: host,
      $request_uri: target,
      $request_id: String(++requests).padStart(32, '0'),
      '${HOLDFAST_CHECK_KEY}': checkKey,
      '': '',
    }
    const set: Fields = [
      ['x-original-url', `https://${host}${target}`],
      ['x-original-method', method],
      ['x-real-ip', address],
      ['x-forwarded-for', address],
      ['x-auth-request-redirect', target],
      ...Object.entries(configMap('holdfast-question')).map(
        ([name, value]) => [name.toLowerCase(), variables[value] ?? assert.fail(value)] as const,
      ),
    ]
    const names = new Set(set.map(([name]) => name))
    const copied = without(fields, name => names.has(name) || isHopByHop(name) || /[_.]/.test(name))
    const { pathname } = new URL(annotation('auth-url'))
    const answer = await put({
      method: annotation('auth-method'),
      path: pathname,
      headers: headersOf([...copied, ...set.filter(([, value]) => value !== '')]),
    })
    if (answer.status !== 200) {
      const status = [401, 403].includes(answer.status) ? answer.status : 500
      return { isAllowed: false, status, toClient: answer.headers }
    }
    const back = annotation('auth-response-headers').split(',')
    const gone = new Set(
      [...back, ...Object.keys(configMap('ingress-nginx-proxy-headers'))].map(name => name.toLowerCase()),
    )
    return { isAllowed: true, toApi: [...without(fields, name => gone.has(name)), ...picked(answer, back)] }
  },
  statusOf: status => ([401, 403].includes(status) ? status : 500),
})

const gateway = shippedDocuments('kubernetes/gateway-api.yaml')
const extAuth = at(kindOf(gateway, 'SecurityPolicy'), 'spec', 'extAuth')

contractOf({
  name: 'Gateway API, as Envoy Gateway implements it',
  hasCheckId: false,
  hasCertificate: true,
  emulate: envoy({
    pathPrefix: String(at(extAuth, 'http', 'path')),
    asked: textsAt(extAuth, 'headersToExtAuth'),
    added: {},
    toUpstream: textsAt(extAuth, 'http', 'headersToBackend'),
    toClient: undefined,
    removed: [
      ...textsAt(
        kindOf(gateway, 'HTTPRoute'),
        'spec',
        'rules',
        0,
        'filters',
        0,
        'requestHeaderModifier',
        'remove',
      ),
      // Of Envoy itself, for the API's information.
      'x-forwarded-for',
      'x-forwarded-proto',
    ],
  }),
})

const istio = shippedDocuments('kubernetes/istio.yaml')
const provider = at(
  kindOf(istio, 'IstioOperator'),
  'spec',
  'meshConfig',
  'extensionProviders',
  0,
  'envoyExtAuthzHttp',
)

contractOf({
  name: 'Istio',
  hasCheckId: false,
  hasCertificate: false,
  emulate: envoy({
    pathPrefix: String(at(provider, 'pathPrefix')),
    asked: textsAt(provider, 'includeRequestHeadersInCheck'),
    added: at(provider, 'includeAdditionalHeadersInCheck') as Readonly<Record<string, string>>,
    toUpstream: textsAt(provider, 'headersToUpstreamOnAllow'),
    toClient: textsAt(provider, 'headersToDownstreamOnDeny'),
    removed: [
      ...textsAt(kindOf(istio, 'VirtualService'), 'spec', 'http', 0, 'headers', 'request', 'remove'),
      'x-forwarded-for',
      'x-forwarded-proto',
    ],
  }),
})

test('Kubernetes: without an answer of the check nobody is let in, and nothing is sent twice', () => {
  assert.equal(at(extAuth, 'failOpen'), false)
  assert.equal(at(provider, 'failOpen'), false)
  assert.equal(at(kindOf(istio, 'VirtualService'), 'spec', 'http', 0, 'retries', 'attempts'), 0)
  assert.equal(annotation('proxy-next-upstream'), 'off')
  // Without a name to verify, any certificate of the authority would do.
  const tls = at(kindOf(istio, 'DestinationRule'), 'spec', 'trafficPolicy', 'tls')
  assert.deepEqual(textsAt(tls, 'subjectAltNames'), [at(provider, 'service')])
  assert.equal(
    at(kindOf(istio, 'IstioOperator'), 'spec', 'meshConfig', 'pathNormalization', 'normalization'),
    'NONE',
  )
})

test('Kubernetes: every manifest is one, and the configuration of the gateway is read', () => {
  for (const name of readdirSync(import.meta.dirname).filter(file => file.endsWith('.yaml')))
    for (const document of shippedDocuments(`kubernetes/${name}`)) {
      for (const key of ['apiVersion', 'kind']) assert.equal(typeof at(document, key), 'string')
      assert.equal(typeof at(document, 'metadata', 'name'), 'string')
    }
  const holdfast = shippedDocuments('kubernetes/holdfast.yaml')
  const file = gatewayFileSchema.parse(
    parse(String(at(kindOf(holdfast, 'ConfigMap'), 'data', 'gateway.yaml'))),
  )
  assert.equal(file.listener, 'off')
  assert.equal(file.check?.listener.port, 8450)
  assert.equal(at(kindOf(holdfast, 'Deployment'), 'spec', 'replicas'), 1)
})
