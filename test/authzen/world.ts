import assert from 'node:assert/strict'
import { compilePolicySet, type Deciding, prepareEntities } from '@holdfast/policy'

/** A small world to decide about: people in departments, and cases the API knows everything of. */
const schema = `
entity Department;
entity user in [Department] = { "level": Long, "name"?: String };
entity case = { "owner": user, "department": Department, "amount": Long, "closed"?: Bool };
action read, close appliesTo {
  principal: user,
  resource: case,
  context: { "acr"?: String, "action"?: { "reason"?: String } }
};
entity ledger = { "name": String };
action export appliesTo { principal: user, resource: ledger, context: {} };
`

const policies = `
@id("case.department-reads")
permit (principal, action == Action::"read", resource is case) when { principal in resource.department };

@id("case.owner-closes")
permit (principal, action == Action::"close", resource is case) when { resource.owner == principal };

@id("case.large-needs-strong")
@step_up("urn:bank:two-factors")
forbid (principal, action == Action::"close", resource is case)
when { resource.amount > 1000 && !(context has acr && context.acr == "urn:bank:two-factors") };

@id("case.level-breaks")
forbid (principal, action == Action::"read", resource is case) when { principal.level * 9007199254740991 * 9007199254740991 < 0 };

@id("ledger.export-shortens")
@max_lifetime("60")
permit (principal, action == Action::"export", resource is ledger);
`

const department = (id: string) => ({ __entity: { type: 'Department', id } })

const entities = [
  { uid: { type: 'Department', id: 'claims' }, attrs: {}, parents: [] },
  { uid: { type: 'Department', id: 'legal' }, attrs: {}, parents: [] },
  ...['ada', 'bob', 'cy'].map((id, index) => ({
    uid: { type: 'user', id },
    attrs: { level: id === 'cy' ? 1 : 0, name: id },
    parents: [{ type: 'Department', id: index < 2 ? 'claims' : 'legal' }],
  })),
  { uid: { type: 'ledger', id: 'main' }, attrs: { name: 'main' }, parents: [] },
]

/** The same world as the spec of a `DecisionPoint` document. */
export const decisionPointSpec = {
  schema,
  policies: { 'world.cedar': policies },
  entities,
  givenTypes: ['case'],
}

/** @param more stored entities beside the usual ones */
export function decidingWorld(more: readonly object[] = []): Deciding {
  const compiled = compilePolicySet({
    schema: { name: 'world.cedarschema', text: schema },
    policies: { 'world.cedar': policies },
  })
  assert.ok(compiled.ok, JSON.stringify(compiled))
  const prepared = prepareEntities(compiled.value, [...entities, ...more])
  assert.ok(prepared.ok, JSON.stringify(prepared))
  return { set: compiled.value, entities: prepared.value, givenTypes: ['case'] }
}

/** A question about a case of the claims department that bob owns. */
export function about(
  subject: string,
  action: string,
  properties: Readonly<Record<string, unknown>> = {},
): { subject: object; action: object; resource: object } {
  return {
    subject: { type: 'user', id: subject },
    action: { name: action },
    resource: {
      type: 'case',
      id: '7',
      properties: {
        owner: { __entity: { type: 'user', id: 'bob' } },
        department: department('claims'),
        amount: 10,
        ...properties,
      },
    },
  }
}
