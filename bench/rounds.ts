import { median } from './turns.ts'

/** CPU microseconds a request cost each contender, one figure per round, in the same order for all. */
export type Costs<Contender> = ReadonlyMap<Contender, readonly number[]>

/**
 * Rounds of short slices, so that a noisy neighbour slows everybody alike; who goes first changes with every round.
 * @param warmUps first rounds, which are not counted: compilers, caches and connections
 */
export async function takeRounds<Contender>(
  contenders: readonly Contender[],
  { warmUps, rounds }: { readonly warmUps: number; readonly rounds: number },
  measure: (contender: Contender) => Promise<number>,
): Promise<Costs<Contender>> {
  const seen = new Map<Contender, number[]>(contenders.map(contender => [contender, []]))
  for (let round = -warmUps; round < rounds; round++)
    for (const contender of rotated(contenders, round + warmUps)) {
      const cost = await measure(contender)
      if (round >= 0) seen.get(contender)?.push(cost)
    }
  return seen
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const start = by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}

/** Median over the rounds of what `of` makes of one contender's cost and another's in the same round. */
export function compared<Contender>(
  costs: Costs<Contender>,
  one: Contender,
  other: Contender,
  of: (one: number, other: number) => number,
): number {
  const others = costs.get(other) ?? []
  return median((costs.get(one) ?? []).map((cost, round) => of(cost, others[round] ?? Number.NaN)))
}

export const quotient = (one: number, other: number): number => one / other
export const difference = (one: number, other: number): number => one - other

/** A Markdown table; figures with one digit after the point, or none from a thousand on. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const cell = (value: string | number): string =>
    typeof value === 'string' ? value : value.toFixed(value >= 1000 ? 0 : value >= 20 ? 1 : 2)
  for (const row of [head, head.map(() => '---'), ...rows])
    process.stdout.write(`| ${row.map(cell).join(' | ')} |\n`)
}
