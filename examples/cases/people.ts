/** Who works here. Subjects are fixed, so that policies can speak of people before they first sign in. */
export const people = [
  { name: 'ada', subject: 'u_case_officer_ada', tenant: 'north', mayApprove: true },
  { name: 'ben', subject: 'u_case_officer_ben', tenant: 'north', mayApprove: true },
  { name: 'cleo', subject: 'u_case_officer_cleo', tenant: 'north', mayApprove: false },
  { name: 'dora', subject: 'u_case_officer_dora', tenant: 'south', mayApprove: true },
] as const

export const subjectOf = (name: string): string => people.find(one => one.name === name)?.subject ?? ''

/** The same people as the policies see them. */
export const entities: readonly object[] = [
  ...[...new Set(people.map(({ tenant }) => tenant))].map(id => ({
    uid: { type: 'Tenant', id },
    attrs: {},
    parents: [],
  })),
  ...people.map(({ subject, tenant, mayApprove }) => ({
    uid: { type: 'Officer', id: subject },
    attrs: { mayApprove },
    parents: [{ type: 'Tenant', id: tenant }],
  })),
]
