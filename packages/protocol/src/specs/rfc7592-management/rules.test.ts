import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { firstRefusal, type Refused } from '../../rule.ts'
import { type ManagementInput, managementRules, type UpdateInput, updateRules } from './rules.ts'

const managing: ManagementInput = {
  isManaging: true,
  status: 'active',
  isNamedByOthers: false,
  method: 'DELETE',
}

const update: UpdateInput = {
  managed: 'c_1',
  clientId: 'c_1',
  isSecretCurrent: undefined,
  issued: [],
  before: {
    redirect_uris: ['https://a.example/cb'],
    dpop_bound_access_tokens: true,
    require_pushed_authorization_requests: true,
    require_signed_request_object: true,
    require_auth_time: true,
    subject_type: 'pairwise',
    id_token_encrypted_response_alg: 'ECDH-ES',
  },
  after: {
    redirect_uris: ['https://a.example/other'],
    dpop_bound_access_tokens: true,
    require_pushed_authorization_requests: true,
    require_signed_request_object: true,
    require_auth_time: true,
    subject_type: 'pairwise',
    id_token_encrypted_response_alg: 'RSA-OAEP-256',
  },
}
const after = (spoil: object): UpdateInput => ({ ...update, after: { ...update.after, ...spoil } })

describe('who manages a client', () => {
  const refusals: readonly (Refused<ManagementInput> & { readonly error: string })[] = [
    {
      name: 'a wrong token',
      input: { ...managing, isManaging: false },
      ruleId: 'management.token',
      error: 'invalid_token',
    },
    {
      name: 'no such client',
      input: { ...managing, status: undefined },
      ruleId: 'management.token',
      error: 'invalid_token',
    },
    {
      name: 'a deleted client',
      input: { ...managing, status: 'deleted' },
      ruleId: 'management.token',
      error: 'invalid_token',
    },
    {
      name: 'a suspended client',
      input: { ...managing, status: 'suspended' },
      ruleId: 'management.suspended',
      error: 'access_denied',
    },
    {
      name: 'deleting what others name',
      input: { ...managing, isNamedByOthers: true },
      ruleId: 'management.named-by-others',
      error: 'access_denied',
    },
  ]
  test('the client itself, and reading what others name', () => {
    assert.equal(firstRefusal(managementRules, managing), undefined)
    const reading = { ...managing, isNamedByOthers: true, method: 'GET' }
    assert.equal(firstRefusal(managementRules, reading), undefined)
  })
  for (const { name, input, ruleId, error } of refusals)
    test(`${name} is refused by ${ruleId}`, () => {
      const refusal = firstRefusal(managementRules, input)
      assert.deepEqual([refusal?.ruleId, refusal?.error], [ruleId, error])
    })
})

describe('an update', () => {
  const refusals: readonly (Refused<UpdateInput> & { readonly error?: string })[] = [
    {
      name: 'without client id',
      input: { ...update, clientId: undefined },
      ruleId: 'management.client-id',
      error: 'invalid_request',
    },
    {
      name: 'of another client',
      input: { ...update, clientId: 'c_2' },
      ruleId: 'management.client-id',
      error: 'invalid_request',
    },
    {
      name: 'with a token',
      input: { ...update, issued: ['registration_access_token'] },
      ruleId: 'management.issued-members',
      error: 'invalid_request',
    },
    {
      name: 'with a secret of its own choosing',
      input: { ...update, isSecretCurrent: false },
      ruleId: 'management.client-secret',
      error: 'invalid_request',
    },
    {
      name: 'to a secret',
      input: after({ token_endpoint_auth_method: 'client_secret_basic' }),
      ruleId: 'management.auth-method',
    },
    ...(['client_secret_basic', 'client_secret_jwt'] as const).map(method => ({
      name: `between a secret that is presented and one that signs, from ${method}`,
      input: {
        ...update,
        before: { ...update.before, token_endpoint_auth_method: method },
        after: {
          ...update.after,
          token_endpoint_auth_method:
            method === 'client_secret_jwt' ? 'client_secret_post' : 'client_secret_jwt',
        },
      },
      ruleId: 'management.auth-method',
    })),
    {
      name: 'to no key',
      input: after({ token_endpoint_auth_method: 'none' }),
      ruleId: 'management.auth-method',
    },
    {
      name: 'that lets tokens go unbound',
      input: after({ dpop_bound_access_tokens: undefined }),
      ruleId: 'management.constraint-kept',
    },
    {
      name: 'that pushes no more',
      input: after({ require_pushed_authorization_requests: undefined }),
      ruleId: 'management.constraint-kept',
    },
    {
      name: 'that signs no more',
      input: after({ require_signed_request_object: false }),
      ruleId: 'management.constraint-kept',
    },
    {
      name: 'that asks no time any more',
      input: after({ require_auth_time: false }),
      ruleId: 'management.constraint-kept',
    },
    {
      name: 'whose ID tokens are no longer encrypted',
      input: after({ id_token_encrypted_response_alg: undefined }),
      ruleId: 'management.constraint-kept',
    },
    {
      name: 'to public subjects',
      input: after({ subject_type: 'public' }),
      ruleId: 'management.subject-type',
    },
    {
      name: 'to another sector',
      input: after({ sector_identifier_uri: 'https://b.example/sector' }),
      ruleId: 'management.subject-type',
    },
  ]
  test('within what was registered is good: other redirects, another way to bind, a key for a key', () => {
    assert.equal(firstRefusal(updateRules, update), undefined)
    const mtls = { dpop_bound_access_tokens: undefined, tls_client_certificate_bound_access_tokens: true }
    assert.equal(firstRefusal(updateRules, after(mtls)), undefined)
    const method = { token_endpoint_auth_method: 'self_signed_tls_client_auth' }
    assert.equal(firstRefusal(updateRules, after(method)), undefined)
    assert.equal(firstRefusal(updateRules, { ...update, isSecretCurrent: true }), undefined)
  })
  for (const { name, input, ruleId, error = 'invalid_client_metadata' } of refusals)
    test(`one ${name} is refused by ${ruleId}`, () => {
      const refusal = firstRefusal(updateRules, input)
      assert.deepEqual([refusal?.ruleId, refusal?.error], [ruleId, error])
    })
})
