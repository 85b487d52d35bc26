import * as oauth from 'openid-client'
import { authenticationOf, configure } from './actor.ts'
import { type Attempt, after, answerOf, refusedBy } from './attack.ts'
import { type Cast, callApi, type FreshCode, redeem, type Tokens } from './chain.ts'
import type { Thief } from './thief.ts'

/** What refuses somebody who says he is a client that authenticates with its certificate. */
const strangerRules: ReadonlyMap<string, string> = new Map([
  ['demo-pki-mtls', 'client-auth.certificate-subject'],
  ['demo-own-mtls', 'client-auth.self-signed-unknown'],
])

/** A new code is stolen on its way back: from a log, a referrer, a shared screen. The client has not redeemed it yet. */
export function codeAttacks(cast: Cast, fresh: FreshCode, thief: Thief): readonly Attempt[] {
  const { kit, client } = cast
  const { listed } = client
  const isDpop = client.keyPair !== undefined
  const guessed: FreshCode = { ...fresh, verifier: oauth.randomPKCECodeVerifier() }
  const asVictim: Attempt = {
    id: 'code.as-victim',
    act: 'code',
    title:
      listed.keyFile === undefined
        ? 'The stolen code: the thief says he is the client, over his own certificate'
        : 'The stolen code: the thief says he is the client, and signs with his own key',
    expected: {
      status: 401,
      error: 'invalid_client',
      ruleId: strangerRules.get(listed.clientId) ?? 'client-auth.signature',
    },
    run: () => {
      const DPoP = isDpop ? { DPoP: oauth.getDPoPHandle(thief.config, thief.keyPair) } : {}
      return refusedBy(thief.configWire, () =>
        redeem({ ...client, config: thief.config, options: DPoP }, guessed),
      )
    },
  }
  const byThief: Attempt = {
    id: 'code.by-thief',
    act: 'code',
    title: 'The stolen code, redeemed by a client of the thief',
    expected: { status: 400, error: 'invalid_grant', ruleId: 'code.client' },
    run: () => refusedBy(thief.actor.wire, () => redeem(thief.actor, guessed)),
  }
  const injected: Attempt = {
    id: 'code.injected',
    act: 'code',
    title: 'The stolen code, slipped into another session of the honest client',
    expected: { status: 400, error: 'invalid_grant', ruleId: 'pkce.verifier-match' },
    run: () => refusedBy(client.wire, () => redeem(client, guessed)),
  }
  const otherKey: Attempt = {
    id: 'code.other-key',
    act: 'code',
    title: 'The stolen code and all secrets of the client but its DPoP key',
    expected: { status: 400, error: 'invalid_grant', ruleId: 'code.dpop-key' },
    run: () => {
      const DPoP = oauth.getDPoPHandle(client.config, thief.keyPair)
      return refusedBy(client.wire, () => redeem({ ...client, options: { DPoP } }, fresh))
    },
  }
  const unbound: Attempt = {
    id: 'code.unbound',
    act: 'code',
    title: 'The stolen code and all secrets of the client but its certificate',
    expected: { status: 400, error: 'invalid_request', ruleId: 'sender.certificate-missing' },
    run: async () => {
      const config = await configure(kit, listed, thief.wire, await authenticationOf(listed))
      return await refusedBy(thief.wire, () => redeem({ ...client, config }, fresh))
    },
  }
  // Where the certificate is also how the client authenticates, the first attempt was without it already.
  const withoutBinding = isDpop ? [otherKey] : listed.keyFile === undefined ? [] : [unbound]
  return [asVictim, byThief, injected, ...withoutBinding, twice(cast, fresh)]
}

/** The client redeems its code in peace; then the same code comes a second time. */
function twice({ kit, client, api }: Cast, fresh: FreshCode): Attempt {
  let honest: Tokens | undefined
  return {
    id: 'code.twice',
    act: 'code',
    title: 'The code a second time, after the client has redeemed it, with everything right',
    expected: { status: 400, error: 'invalid_grant', ruleId: 'code.spent' },
    run: async () => {
      honest = await redeem(client, fresh)
      return await refusedBy(client.wire, () => redeem(client, fresh))
    },
    aftermath: async () => {
      const tokens = honest
      if (tokens === undefined) return []
      const { active } = await oauth.tokenIntrospection(api.config, tokens.access_token)
      api.wire.take()
      const refresh = await refusedBy(client.wire, () =>
        oauth.refreshTokenGrant(client.config, tokens.refresh_token ?? '', undefined, client.options),
      )
      const call = await refusedBy(client.wire, () => callApi(client, tokens.access_token, kit.api))
      return [
        after('introspection of the token the code had bought', 'active: false', `active: ${String(active)}`),
        after('its refresh token', '400 invalid_grant', answerOf(refresh)),
        after('its access token at the API', '401 invalid_token', answerOf(call)),
      ]
    },
  }
}
