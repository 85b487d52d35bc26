/** Where commands write. Results go to `out`, everything about the doing of it to `err`. */
export interface Terminal {
  readonly out: (line: string) => void
  readonly err: (line: string) => void
  /** Bold when the terminal can and `NO_COLOR` is not set. */
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
}

type Style = (text: string) => string
type Environment = Readonly<Record<string, string | undefined>>

/** The process's own terminal. */
export function openTerminal(
  out: { readonly isTTY?: boolean; readonly write: (text: string) => unknown },
  err: { readonly write: (text: string) => unknown },
  env: Environment,
): Terminal {
  const isPlain = out.isTTY !== true || (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb'
  const style = (on: number, off: number): Style =>
    isPlain ? text => text : text => `\u001b[${on}m${text}\u001b[${off}m`
  return {
    out: line => void out.write(`${line}\n`),
    err: line => void err.write(`${line}\n`),
    strong: style(1, 22),
    faint: style(2, 22),
  }
}

/** Rows as columns of equal width, two spaces apart. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = []
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  return rows.map(row =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

/** A time for people and programs alike, in UTC; `-` for one that is not set. @param seconds since 1970 */
export function timeOf(seconds: number | undefined): string {
  return seconds === undefined ? '-' : new Date(seconds * 1000).toISOString()
}
