import { accept, firstRefusal, type Outcome, refuse } from '@holdfast/protocol'
import { oidcRequestLimits } from '@holdfast/protocol/specs/oidc-core-request/rules.ts'
import { hintRules, logoutRules } from '@holdfast/protocol/specs/oidc-rp-logout/rules.ts'
import { type Form, parseForm } from '@holdfast/protocol/wire/form.ts'
import type { Exchange } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Client } from '../../snapshot/snapshot.ts'
import { parsePost } from '../interaction/post.ts'
import { verifyOwnToken } from '../own-token.ts'
import { withQuery } from '../render/with-query.ts'

/** Parameters that mean something here; `logout_hint` changes nothing, others are unknown. */
export const logoutParameters = [
  'id_token_hint',
  'client_id',
  'post_logout_redirect_uri',
  'state',
  'ui_locales',
] as const

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
  /** Languages of the pages, by preference. */
  readonly uiLocales: readonly string[]
}

export const emptyRequest: LogoutRequest = {
  fields: {},
  hint: undefined,
  client: undefined,
  returnUrl: undefined,
  uiLocales: [],
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
    uiLocales: uiLocalesOf(form),
  })
}

/** At most as many as an authorization request may name. */
export function uiLocalesOf(form: Form): readonly string[] {
  return (form.get('ui_locales') ?? '').split(' ', oidcRequestLimits.listMax)
}

function judgeHint(text: string | undefined, issuer: string, ports: Ports): Outcome<LogoutHint | undefined> {
  if (text === undefined) return accept(undefined)
  const jws = verifyOwnToken(text, issuer, ports, unsigned)
  if (!jws.ok) return jws
  const { header, claims } = jws.value
  const refusal = firstRefusal(hintRules, { issuer, typ: header.typ, claims })
  if (refusal !== undefined) return refusal
  const { aud, sub, sid } = claims
  return accept({ clientId: String(aud), sub: String(sub), sid: String(sid) })
}

const unsigned = refuse(
  'logout.hint-signature',
  ['OIDC-RPL-4-1'],
  'invalid_request',
  '`id_token_hint` is not signed by this issuer',
)

export function fieldsOf(form: Form): Readonly<Record<string, string>> {
  return Object.fromEntries(
    logoutParameters.flatMap(name => {
      const value = form.get(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
