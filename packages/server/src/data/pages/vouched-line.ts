import type { VouchedBy } from '../consents/vouched.ts'
import { type Html, html } from './html.ts'
import type { Words } from './words/words.ts'

/** Who vouches for the name that stands above. */
export function vouchedLine(vouched: VouchedBy, { consent: { vouchedBy } }: Words): Html {
  const said = vouched.by === 'onboarding' ? vouchedBy.onboarding(vouched.legalName) : vouchedBy[vouched.by]
  return html`<p class="vouched vouched-${vouched.by}">${said}</p>`
}
