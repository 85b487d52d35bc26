/**
 * SHA-256 of each text that `holdfast policy init` wrote in any version, the one of this version last. Who has one of
 * them did not edit it.
 */
export const shippedTexts: Readonly<Record<string, readonly string[]>> = {
  'shipped.cedar': ['e2d1460255c26bef471cf7be27ac78a88d26aca372ca531c730054669c588cd5'],
  'shipped.tests.json': ['874a6ec4c5fa3a296ee09f79f479d4059e6ffdab634eacf28e2fc68e537a8d48'],
}
