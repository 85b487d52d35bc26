/**
 * SHA-256 of each text that `holdfast policy init` wrote in any version, the one of this version last. Who has one of
 * them did not edit it.
 */
export const shippedTexts: Readonly<Record<string, readonly string[]>> = {
  'shipped.cedar': [
    'e2d1460255c26bef471cf7be27ac78a88d26aca372ca531c730054669c588cd5',
    'e8960347ef3bc83b65b3aee488eec726c0801ecde3ccee7c4695c2985fd2004e',
  ],
  'shipped.tests.json': [
    '874a6ec4c5fa3a296ee09f79f479d4059e6ffdab634eacf28e2fc68e537a8d48',
    'fb83d96b517337bb510a693f3c68dec1eefd704b0465924a8252da7094a36a9c',
  ],
}
