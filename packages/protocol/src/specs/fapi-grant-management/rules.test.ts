import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { firstRefusal, type Rule } from '../../rule.ts'
import type { PresentedHere } from '../rfc6750-bearer/own-token.ts'
import {
  type GrantManagementInput,
  grantEndpointRules,
  grantManagementRules,
  type MergeInput,
  mergeRules,
  type NamedGrantInput,
  namedGrantRules,
} from './rules.ts'

interface Case<Input> {
  readonly name: string
  readonly input: Input
  readonly ruleId?: string
  readonly error?: string
}

function judged<Input>(title: string, rules: readonly Rule<Input>[], cases: readonly Case<Input>[]): void {
  describe(title, () => {
    for (const { name, input, ruleId, error } of cases)
      it(ruleId === undefined ? `passes: ${name}` : `is refused by ${ruleId}: ${name}`, () => {
        const refusal = firstRefusal(rules, input)
        assert.equal(refusal?.ruleId, ruleId)
        assert.equal(refusal?.error, error)
      })
  })
}

const none: GrantManagementInput = { isPublic: false, grantManagementAction: undefined, grantId: undefined }
const no = (ruleId: string, error = 'invalid_request') => ({ ruleId, error })

judged('grant management parameters', grantManagementRules, [
  { name: 'none', input: none },
  { name: 'none, of a public client', input: { ...none, isPublic: true } },
  { name: 'create', input: { ...none, grantManagementAction: 'create' } },
  ...['merge', 'replace'].map(grantManagementAction => ({
    name: `${grantManagementAction} of a grant`,
    input: { ...none, grantManagementAction, grantId: 'g' },
  })),
  {
    name: 'a public client with an action',
    input: { ...none, isPublic: true, grantManagementAction: 'create' },
    ...no('grant-management.confidential', 'unauthorized_client'),
  },
  {
    name: 'a public client with an id',
    input: { ...none, isPublic: true, grantId: 'g' },
    ...no('grant-management.confidential', 'unauthorized_client'),
  },
  { name: 'an id alone', input: { ...none, grantId: 'g' }, ...no('grant-management.action') },
  ...['update', 'query', 'revoke', 'MERGE', '', 'constructor'].map(grantManagementAction => ({
    name: `the action \`${grantManagementAction}\``,
    input: { ...none, grantManagementAction, grantId: 'g' },
    ...no('grant-management.action'),
  })),
  {
    name: 'create with an id',
    input: { ...none, grantManagementAction: 'create', grantId: 'g' },
    ...no('grant-management.grant-id'),
  },
  {
    name: 'an id of 128 characters',
    input: { ...none, grantManagementAction: 'merge', grantId: 'g'.repeat(128) },
  },
  ...['g'.repeat(129), '', 'a b', 'a/b', 'ü'].map(grantId => ({
    name: `the id \`${grantId}\``,
    input: { ...none, grantManagementAction: 'merge', grantId },
    ...no('grant-management.grant-id', 'invalid_grant_id'),
  })),
  {
    name: 'merge without an id',
    input: { ...none, grantManagementAction: 'merge' },
    ...no('grant-management.grant-id'),
  },
  {
    name: 'replace without an id',
    input: { ...none, grantManagementAction: 'replace' },
    ...no('grant-management.grant-id'),
  },
])

const grant = { clientId: 'c', subject: 'u', isLive: true }
const named: NamedGrantInput = { clientId: 'c', subject: 'u', grant }
const invalid = 'invalid_grant_id'

judged('the grant a request names', namedGrantRules, [
  { name: 'of this client and user', input: named },
  { name: 'of this client, nobody signed in yet', input: { ...named, subject: undefined } },
  { name: 'unknown', input: { ...named, grant: undefined }, ...no('grant-management.known', invalid) },
  {
    name: 'ended',
    input: { ...named, grant: { ...grant, isLive: false } },
    ...no('grant-management.known', invalid),
  },
  { name: 'of another client', input: { ...named, clientId: 'd' }, ...no('grant-management.known', invalid) },
  { name: 'of another user', input: { ...named, subject: 'v' }, ...no('grant-management.user', invalid) },
])

const merge: MergeInput = {
  ...{ isAsStrict: true, resources: 5, resourcesMax: 5, scopes: 50, scopesMax: 50 },
  ...{ details: 20, detailsMax: 20 },
}

judged('a merge', mergeRules, [
  { name: 'at every limit', input: merge },
  {
    name: 'under a looser profile',
    input: { ...merge, isAsStrict: false },
    ...no('grant-management.merge-profile'),
  },
  { name: 'six resources', input: { ...merge, resources: 6 }, ...no('grant-management.merge-size') },
  { name: '51 scopes', input: { ...merge, scopes: 51 }, ...no('grant-management.merge-size') },
  { name: '21 details', input: { ...merge, details: 21 }, ...no('grant-management.merge-size') },
])

const endpoint: PresentedHere = { tokenAudience: ['https://as.example'], issuer: 'https://as.example' }

judged('a token at the grant management endpoint', grantEndpointRules, [
  { name: 'for the issuer', input: endpoint },
  {
    name: 'for an API',
    input: { ...endpoint, tokenAudience: ['https://api.example'] },
    ...no('grant-management.audience', 'invalid_token'),
  },
])
