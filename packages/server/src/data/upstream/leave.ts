import { createHash } from 'node:crypto'
import { refuse, stateAuthentication } from '@holdfast/protocol'
import { upstreamMaxAgeSeconds } from '@holdfast/protocol/specs/oidc-core-relying-party/rules.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { IdentityProvider, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import type { UpstreamAttempt } from '../../store/records.ts'
import { auditAccepted } from '../audit-of.ts'
import { demandOf } from '../interaction/demand.ts'
import { stepUrl } from '../interaction/record.ts'
import type { Visit } from '../interaction/visit.ts'
import { errorPage } from '../pages/error.ts'
import { seeOther } from '../pages/page.ts'
import { recordRefusal } from '../refused.ts'
import { withQuery } from '../render/with-query.ts'
import { callbackUrl, type NewAttempt, newAttempt } from './attempt.ts'

/** The user would rather sign in at another provider: remembered in the interaction, then on the way. */
export async function leaveForProvider(visit: Visit, ports: Ports, name: string): Promise<Reply> {
  const { exchange, interaction, id, client, now } = visit
  const context = { txn: interaction.txn, clientId: client.clientId }
  const provider = exchange.issuer.identityProviders.get(name)
  if (provider === undefined) {
    const refusal = refuse('upstream.known', [], 'invalid_request', 'there is no such provider')
    await recordRefusal(exchange, ports, 'upstream.refused', refusal, { context })
    return errorPage(exchange, refusal, { uiLocales: interaction.request.uiLocales })
  }
  const attempt = newAttempt(ports, exchange.issuer.url, id, now)
  const { stateHash } = attempt
  const upstream: UpstreamAttempt = {
    provider: provider.name,
    stateHash,
    mustBeFresh: mustBeFresh(visit),
    startedAt: now,
  }
  const committed = await ports.store.commit([
    { kind: 'advance-interaction', record: { ...interaction, upstream }, at: now },
    auditAccepted(exchange, now, 'upstream.started', context, { upstream: provider.name }),
  ])
  // Another answer to the page was faster: the room knows what is next.
  if (!committed.committed) return seeOther(stepUrl(exchange.issuer.url, id, 'login'))
  return seeOther(authorizationUrl(visit, provider, attempt, upstream))
}

/** Whoever has a session already and is asked again, or whose age is limited, must show themselves there too. */
function mustBeFresh({ interaction, browserSession, exchange }: Visit): boolean {
  const { maxAgeSeconds, documented } = demandOf(interaction.request, exchange.issuer)
  return (
    browserSession !== undefined ||
    interaction.request.prompt.includes('login') ||
    maxAgeSeconds !== undefined ||
    documented.maxAgeSeconds !== undefined
  )
}

function authorizationUrl(
  { exchange, interaction }: Visit,
  provider: IdentityProvider,
  { state, nonce, codeVerifier }: NewAttempt,
  upstream: UpstreamAttempt,
): string {
  const { uiLocales } = interaction.request
  const acrs = wantedAcrs(provider, demandOf(interaction.request, exchange.issuer).acrValues, exchange.issuer)
  return withQuery(provider.authorizationEndpoint, {
    response_type: 'code',
    client_id: provider.clientId,
    redirect_uri: callbackUrl(exchange.issuer.url, provider),
    scope: provider.scopes.join(' '),
    state,
    nonce,
    code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
    // Makes the provider say when the user authenticated (OpenID Connect Core 3.1.2.1).
    max_age: String(upstreamMaxAgeSeconds),
    ...(upstream.mustBeFresh && { prompt: 'login' }),
    ...(acrs.length > 0 && { acr_values: acrs.join(' ') }),
    ...(uiLocales.length > 0 && { ui_locales: uiLocales.join(' ') }),
  })
}

/** What to ask there so that it reaches what is asked here. */
function wantedAcrs(
  { methodsByAcr }: IdentityProvider,
  acrValues: readonly string[],
  { authenticationLevels }: IssuerSnapshot,
): readonly string[] {
  if (acrValues.length === 0) return []
  return [...methodsByAcr].flatMap(([acr, methods]) => {
    const times = Object.fromEntries(methods.map(method => [method, 0]))
    return stateAuthentication(authenticationLevels, acrValues, times) === undefined ? [] : [acr]
  })
}
