/** Decimal places that are kept; no currency has more than four. */
const scale = 4

/** An amount in ten-thousandths, exact; undefined when the text is no amount above zero written one way. */
export function amountOf(text: unknown): bigint | undefined {
  if (typeof text !== 'string') return undefined
  const [, whole, fraction = ''] = /^(0|[1-9][0-9]{0,14})(?:\.([0-9]{1,4}))?$/.exec(text) ?? []
  if (whole === undefined) return undefined
  const amount = BigInt(whole + fraction.padEnd(scale, '0'))
  return amount > 0n ? amount : undefined
}
