import type { IssuerBinding } from '../snapshot/compile.ts'

/** The issuers an operator means, by name or URL; all of them when none is named. */
export function issuersNamed(
  asked: string | undefined,
  issuers: readonly IssuerBinding[],
): readonly IssuerBinding[] {
  return issuers.filter(({ name, url }) => asked === undefined || asked === name || asked === url)
}

/** What to say to who named none of them, or too few. */
export function nameOneOf(issuers: readonly IssuerBinding[]): string {
  return `name one of ${issuers.map(({ name }) => name).join(', ')} as \`issuer\``
}
