import { profileFields, profileLattice } from '@holdfast/protocol'
import { profiles } from '@holdfast/protocol/profiles/index.ts'
import { generated, table } from './markdown.ts'

/** The shipped profiles, field by field, with the lattice two values of a field meet in. */
export function profilesPage(): string {
  const shipped = [...profiles.values()]
  return [
    '# Security profiles',
    generated,
    'What applies to a request is the stricter value of every field, over the floor of the issuer, the profile of the client and the profile ' +
      'of every requested resource server. `holdfast explain --client <id>` shows it for one client, with who decided each field.',
    table(
      ['Field', ...shipped.map(({ name }) => `\`${name}\``), 'Two values meet as'],
      profileFields.map(field => [
        `\`${field}\``,
        ...shipped.map(profile => textOf(profile[field])),
        meetsAs(field),
      ]),
    ),
    '',
  ].join('\n\n')
}

function textOf(value: string | number | readonly string[]): string {
  return typeof value === 'object' ? value.join(', ') : String(value)
}

function meetsAs(field: (typeof profileFields)[number]): string {
  const lattice = profileLattice[field]
  switch (lattice.kind) {
    case 'ordered':
      return `the first of ${lattice.strictestFirst.join(', ')}`
    case 'intersection':
      return 'what both have'
    case 'smallest':
      return `the smaller, ${lattice.least} to ${lattice.most}`
    default:
      return lattice satisfies never
  }
}
