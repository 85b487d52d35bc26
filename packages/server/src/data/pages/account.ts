import type { Exchange, Reply } from '../../http/exchange.ts'
import { paths } from '../paths.ts'
import { type Html, html } from './html.ts'
import { type Page, renderPage } from './page.ts'

export interface AccountPage
  extends Pick<Page, 'words' | 'status' | 'title' | 'scriptSource' | 'extraHeaders'> {
  readonly username: string
  readonly body: Html
}

/** What just happened, or why nothing did. */
export interface Notice {
  readonly text: string
  readonly isBad: boolean
}

export function noticeOf(notice: Notice | undefined): Html | undefined {
  return (
    notice &&
    html`<div class="notice${notice.isBad && ' notice-bad'}" role="${notice.isBad ? 'alert' : 'status'}" id="notice"><p>${notice.text}</p></div>`
  )
}

/** The frame of every page below `/account`: whose account it is, the page, and the way out. */
export function accountPage(exchange: Exchange, page: AccountPage): Reply {
  const { words, status, title, username, scriptSource, extraHeaders, body } = page
  return renderPage(exchange, {
    words,
    status,
    title,
    ...(scriptSource !== undefined && { scriptSource }),
    ...(extraHeaders !== undefined && { extraHeaders }),
    body: html`${body}
<p class="whose">${words.security.signedInAs(username)} · <a href="${exchange.issuer.url + paths.logout}">${words.security.signOut}</a></p>`,
  })
}
