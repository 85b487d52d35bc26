import { type Html, html } from './html.ts'
import { type QrModules, qrCode } from './qr-code.ts'

/** Light modules that a reader needs around a code. */
const quietModules = 4

/**
 * A text as a picture to scan, dark on white in every colour scheme: readers want it so. Drawn in the page itself, so
 * that it works under a policy that loads nothing, and so that a secret in it is in no other answer.
 * @returns undefined when the text is too long to scan
 */
export function qrSvg(text: string, id: string, label: string): Html | undefined {
  const modules = qrCode(text)
  if (modules === undefined) return undefined
  const size = modules.length + 2 * quietModules
  return html`<svg id="${id}" class="qr" role="img" aria-label="${label}" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><rect width="${size}" height="${size}" fill="#fff"/><path fill="#000" d="${pathOf(modules)}"/></svg>`
}

/** One rectangle for each run of dark modules in a row. */
function pathOf(modules: QrModules): string {
  return modules
    .flatMap((row, y) =>
      [...row.map(Number).join('').matchAll(/1+/g)].map(
        ({ 0: run, index }) => `M${index + quietModules} ${y + quietModules}h${run.length}v1h-${run.length}z`,
      ),
    )
    .join('')
}
