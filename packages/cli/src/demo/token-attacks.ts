import * as oauth from 'openid-client'
import { type Attempt, refusedBy } from './attack.ts'
import type { Cast, Walked } from './chain.ts'
import type { Thief } from './thief.ts'

/** The access token and the refresh token are stolen, with everything else that went over the wire. */
export function tokenAttacks({ kit, client }: Cast, walked: Walked, thief: Thief): readonly Attempt[] {
  const token = walked.tokens.access_token
  const accounts = `${kit.api}/accounts`
  const bearer = { method: 'GET', headers: { authorization: `Bearer ${token}` } }
  const isDpop = client.keyPair !== undefined
  const notYours = isDpop ? 'dpop.binding' : 'cnf.x5t'
  const bare: Attempt = {
    id: 'token.bare',
    act: 'token',
    title: isDpop
      ? 'The stolen token, shown as an ordinary bearer token'
      : 'The stolen token, over a connection without the certificate',
    expected: { status: 401, error: 'invalid_token', ruleId: isDpop ? 'bearer.dpop-downgrade' : 'cnf.x5t' },
    run: () => thief.wire.send(accounts, bearer),
  }
  const otherKey: Attempt = {
    id: 'token.other-key',
    act: 'token',
    title: isDpop
      ? "The stolen token, with a correct proof of the thief's own key"
      : "The stolen token, over a connection with the thief's own certificate",
    expected: { status: 401, error: 'invalid_token', ruleId: notYours },
    run: () =>
      isDpop
        ? refusedBy(thief.configWire, () => callWithOwnKey(thief, token, accounts))
        : thief.actor.wire.send(accounts, bearer),
  }
  const captured: Attempt = {
    id: 'token.captured-proof',
    act: 'token',
    title: 'The stolen token with the captured proof: the honest request once more, byte for byte',
    expected: { status: 401, error: 'invalid_dpop_proof', ruleId: 'replay.proof' },
    run: () => {
      const { method, headers } = walked.call
      return thief.wire.send(accounts, { method, headers })
    },
  }
  const rebound: Attempt = {
    id: 'token.rebound',
    act: 'token',
    title: "The stolen token, dressed as a DPoP token with a proof of the thief's key",
    expected: { status: 401, error: 'invalid_token', ruleId: 'bearer.dpop-unbound' },
    run: () => refusedBy(thief.configWire, () => callWithOwnKey(thief, token, accounts)),
  }
  const userinfo: Attempt = {
    id: 'token.userinfo',
    act: 'token',
    title: 'The stolen token, at the issuer itself: who is the user?',
    expected: { status: 401, error: 'invalid_token', ruleId: notYours },
    run: () => {
      const url = client.config.serverMetadata().userinfo_endpoint ?? ''
      return isDpop
        ? refusedBy(thief.configWire, () => callWithOwnKey(thief, token, url))
        : thief.wire.send(url, bearer)
    },
  }
  const refresh: Attempt = {
    id: 'token.refresh',
    act: 'token',
    title: 'The stolen refresh token, redeemed by a client of the thief',
    expected: { status: 400, error: 'invalid_grant', ruleId: 'refresh.client' },
    run: () =>
      refusedBy(thief.actor.wire, () =>
        oauth.refreshTokenGrant(
          thief.actor.config,
          walked.tokens.refresh_token ?? '',
          undefined,
          thief.actor.options,
        ),
      ),
  }
  return [bare, otherKey, isDpop ? captured : rebound, userinfo, refresh]
}

function callWithOwnKey({ config, keyPair }: Thief, token: string, url: string): Promise<Response> {
  const DPoP = oauth.getDPoPHandle(config, keyPair)
  return oauth.fetchProtectedResource(config, token, new URL(url), 'GET', undefined, undefined, { DPoP })
}
