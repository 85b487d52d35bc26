/** Records of one kind that an issuer may have: history is in the audit, and a revision holds 10,000 documents. */
export const recordsMax = 5000
/** Characters of all of them as JSON: every node reads them whole with each revision. */
export const recordCharactersMax = 67_108_864

interface KeptRecord {
  readonly spec: object
}

/**
 * @param remedy what makes room again
 * @returns why `added` cannot stand beside these records of its kind and issuer
 */
export function judgeRoom(
  records: readonly KeptRecord[],
  added: KeptRecord,
  remedy = 'remove those that ended',
): string | undefined {
  if (records.length >= recordsMax) return `there are ${recordsMax} of them: ${remedy}`
  const lengthOf = ({ spec }: KeptRecord): number => JSON.stringify(spec).length
  const characters = records.reduce((sum, record) => sum + lengthOf(record), lengthOf(added))
  return characters > recordCharactersMax
    ? `all of them hold more than ${recordCharactersMax} characters: ${remedy}`
    : undefined
}
