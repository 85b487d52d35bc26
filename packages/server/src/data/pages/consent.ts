import type { GrantAction } from '@holdfast/protocol/specs/fapi-grant-management/rules.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Scope } from '../../snapshot/snapshot.ts'
import type { VouchedBy } from '../consents/vouched.ts'
import type { ShownClaim } from '../interaction/shown-claims.ts'
import { paths } from '../paths.ts'
import { detailItem, type ShownDetail } from './detail-item.ts'
import { listed } from './group-approvals.ts'
import { type Html, html } from './html.ts'
import { renderPage } from './page.ts'
import { vouchedLine } from './vouched-line.ts'
import type { ConsentWords, Words } from './words/words.ts'

/** Everything the user is shown; what is approved is this and nothing else (I13). */
export interface ConsentContent {
  /** In which it is written: another language is another page. */
  readonly locale: Words['locale']
  readonly clientName: string
  readonly clientId: string
  /** Host, or scheme, the answer goes to. */
  readonly clientHost: string
  /** Whether the answer goes to a device that waits, not to a host. */
  readonly isDevice: boolean
  readonly username: string
  /** Set when the answer changes what was allowed before. */
  readonly change: GrantAction | undefined
  readonly scopes: readonly Pick<Scope, 'name' | 'title' | 'description'>[]
  /** Details asked for by name that none of the scopes covers, each in words. */
  readonly claims: readonly ShownClaim[]
  readonly details: readonly ShownDetail[]
  readonly resources: readonly { readonly audience: string; readonly displayName: string }[]
  /** How long the application can keep acting: the grant's lifetime. */
  readonly lifetimeSeconds: number
  /** Whether it can act without the user being there. */
  readonly isLasting: boolean
  /** Whether signing out takes the access along. */
  readonly endsAtSignOut: boolean
  /** How long the user is not asked the same again; undefined: they are asked each time. */
  readonly rememberSeconds: number | undefined
  readonly vouchedBy: VouchedBy
}

export interface ConsentView {
  readonly words: Words
  readonly action: string
  readonly csrf: string
  /** Digest of the content, sent back with the answer. */
  readonly shown: string
  readonly content: ConsentContent
  readonly formTarget: string
  /** Set when something changed between display and answer. */
  readonly isChanged: boolean
  /** Groups that have to approve as well; `given` once they have. */
  readonly approval?:
    | { readonly kind: 'needed'; readonly groups: readonly string[] }
    | { readonly kind: 'given' }
}

/** The question, in plain words: who asks, for what, what not, for how long, and how to take it back. */
export function consentView(exchange: Exchange, view: ConsentView): Reply {
  const { content, words } = view
  const said = words.consent
  const afterwards = content.isDevice ? said.deviceGoesOn : said.backTo(content.clientHost)
  return renderPage(exchange, {
    words,
    status: view.isChanged ? 409 : 200,
    title: said.title(content.clientName),
    formTarget: view.formTarget,
    body: html`<h1>${said.heading(content.clientName)}</h1>
<p class="lead">${said.signedInAs(content.username)} ${afterwards}</p>
${view.isChanged && html`<div class="notice notice-bad" role="alert"><p>${said.changed}</p></div>`}
${changeNotice(content.change, said, 'consent-change')}
${vouchedLine(content.vouchedBy, words)}
${approvalNotice(view)}
<section aria-labelledby="asks">
<h2 id="asks">${said.asks}</h2>
<ul class="grants">
${content.scopes.map(
  scope => html`<li><span class="tick" aria-hidden="true"></span><div><strong>${scope.title}</strong><p>${scope.description}</p></div></li>
`,
)}${content.details.map(detailItem)}</ul>
</section>
${detailsSection(content, said)}
${placesSection(content, said)}
<section aria-labelledby="limits">
<h2 id="limits">${said.goodToKnow}</h2>
<ul class="notes">
<li>${said.onlyThis}</li>
<li>${lastingText(content, words)}</li>
${content.rememberSeconds !== undefined && html`<li id="remembered">${said.remembered(words.duration(content.rememberSeconds))}</li>`}</ul>
</section>
<form id="consent-form" method="post" action="${view.action}">
<input type="hidden" name="csrf" value="${view.csrf}">
<input type="hidden" name="shown" value="${view.shown}">
<div class="choices">
<button id="consent-allow" class="button button-main" type="submit" name="decision" value="allow">${said.allow}</button>
<button id="consent-deny" class="button" type="submit" name="decision" value="deny">${said.deny}</button>
</div>
</form>
<p class="hint">${said.takeBack(exchange.issuer.url + paths.account)}</p>`,
  })
}

function approvalNotice({ approval, words }: ConsentView): Html | false {
  if (approval === undefined) return false
  const said = words.groupApprovals
  const text = approval.kind === 'given' ? said.isGiven : said.alsoNeeded(listed(approval.groups, words))
  return html`<div class="notice" id="approval-${approval.kind}"><p>${text}</p></div>`
}

function detailsSection({ claims }: ConsentContent, said: ConsentWords): Html | false {
  return (
    claims.length > 0 &&
    html`<section aria-labelledby="details">
<h2 id="details">${said.alsoDetails}</h2>
<ul class="grants">
${claims.map(claimItem)}</ul>
</section>`
  )
}

/** One detail about the user in a list. */
export function claimItem({ title }: ShownClaim): Html {
  return html`<li><span class="tick" aria-hidden="true"></span><div><strong>${title}</strong></div></li>
`
}

/**
 * What an answer does to a grant that is there already; without one, nothing.
 * @param id of the element
 */
export function changeNotice(change: GrantAction | undefined, said: ConsentWords, id: string): Html | false {
  return (
    change !== undefined &&
    html`<div class="notice" id="${id}"><p>${change === 'merge' ? said.merged : said.replaced}</p></div>`
  )
}

function placesSection({ resources }: ConsentContent, said: ConsentWords): Html | false {
  return (
    resources.length > 0 &&
    html`<section aria-labelledby="where">
<h2 id="where">${said.where}</h2>
<ul class="places">
${resources.map(
  resource => html`<li><strong>${resource.displayName}</strong> <span class="quiet">${new URL(resource.audience).host}</span></li>
`,
)}</ul>
</section>`
  )
}

export function lastingText(
  {
    isLasting,
    endsAtSignOut,
    lifetimeSeconds,
  }: Pick<ConsentContent, 'isLasting' | 'endsAtSignOut' | 'lifetimeSeconds'>,
  { consent: said, duration }: Words,
): string {
  const time = duration(lifetimeSeconds)
  if (!isLasting) return said.ending(time)
  return endsAtSignOut ? said.lastingUntilSignOut(time) : said.lasting(time)
}
