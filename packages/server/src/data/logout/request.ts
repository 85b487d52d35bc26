import { accept, firstRefusal, type Outcome } from '@holdfast/protocol'
import { hintRules, logoutRules } from '@holdfast/protocol/specs/oidc-rp-logout/rules.ts'
import { type Form, parseForm } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { parsePost } from '../interaction/post.ts'
import { withQuery } from '../render/with-query.ts'
import { verifyOwnToken } from './own-token.ts'

/** Parameters that mean something here; `logout_hint` and `ui_locales` change nothing, others are unknown. */
export const logoutParameters = ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state'] as const

export interface LogoutHint {
  readonly clientId: string
  readonly sub: string
  readonly sid: string
}

/** A request to log out that is right in itself; whether the user must be asked depends on the session. */
export interface LogoutRequest {
  /** As sent, for the page that asks. */
  readonly fields: Readonly<Record<string, string>>
  readonly hint: LogoutHint | undefined
  readonly client: Client | undefined
  /** Registered, with `state`. Only a request with a hint is sent there without the user choosing to go. */
  readonly returnUrl: string | undefined
}

export const emptyRequest: LogoutRequest = {
  fields: {},
  hint: undefined,
  client: undefined,
  returnUrl: undefined,
}

export function parseLogout(exchange: Exchange): Outcome<Form> {
  return exchange.method === 'GET' ? parseForm(exchange.query) : parsePost(exchange)
}

export function judgeLogout(form: Form, exchange: Exchange, ports: Ports): Outcome<LogoutRequest> {
  const hint = judgeHint(form.get('id_token_hint'), exchange.issuer.url, ports)
  if (!hint.ok) return hint
  const clientId = form.get('client_id')
  const client = exchange.issuer.clients.get(hint.value?.clientId ?? clientId ?? '')
  const named = client?.status === 'active' ? client : undefined
  const postLogoutRedirectUri = form.get('post_logout_redirect_uri')
  const state = form.get('state')
  const refusal = firstRefusal(logoutRules, {
    hintClientId: hint.value?.clientId,
    clientId,
    registeredUris: named?.postLogoutRedirectUris,
    postLogoutRedirectUri,
    state,
  })
  if (refusal !== undefined) return refusal
  return accept({
    fields: fieldsOf(form),
    hint: hint.value,
    client: named,
    returnUrl:
      postLogoutRedirectUri === undefined || state === undefined
        ? postLogoutRedirectUri
        : withQuery(postLogoutRedirectUri, { state }),
  })
}

function judgeHint(text: string | undefined, issuer: string, ports: Ports): Outcome<LogoutHint | undefined> {
  if (text === undefined) return accept(undefined)
  const jws = verifyOwnToken(text, issuer, ports)
  if (!jws.ok) return jws
  const { header, claims } = jws.value
  const refusal = firstRefusal(hintRules, { issuer, typ: header.typ, claims })
  if (refusal !== undefined) return refusal
  const { aud, sub, sid } = claims
  return accept({ clientId: String(aud), sub: String(sub), sid: String(sid) })
}

export function fieldsOf(form: Form): Readonly<Record<string, string>> {
  return Object.fromEntries(
    logoutParameters.flatMap(name => {
      const value = form.get(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
