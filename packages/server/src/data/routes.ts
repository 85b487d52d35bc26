import { type AuthzenEndpoint, authzenPaths } from '@holdfast/policy/pdp/http.ts'
import type { Route } from '../http/route.ts'
import { callRoom } from './access/call-room.ts'
import { authzenMetadataRoom } from './access/metadata-room.ts'
import { accessRoom } from './access/room.ts'
import { forgetConsentPost } from './account/consents.ts'
import { accountPage } from './account/home.ts'
import {
  addPasskeyPage,
  addPasskeyPost,
  addTotpPage,
  addTotpPost,
  removeAuthenticatorPost,
  securityPage,
} from './account/security.ts'
import { endOtherSessionsPost, endSessionPost } from './account/sessions.ts'
import { withdrawPost } from './account/withdraw.ts'
import { authorizeRoom } from './authorize/room.ts'
import { challengeRoom } from './challenge/room.ts'
import { backchannelAuthenticationRoom } from './ciba/authentication-room.ts'
import { cibaPage, cibaPost } from './ciba/page-room.ts'
import { deviceAuthorizationRoom } from './device/authorization-room.ts'
import { devicePage, devicePost } from './device/page-room.ts'
import { globalRevocationRoom } from './global-revocation/room.ts'
import { readGrantRoom, revokeGrantRoom } from './grants/room.ts'
import {
  approvalsPage,
  approvalsPost,
  confirmPage,
  confirmPost,
  consentPage,
  consentPost,
  loginPage,
  loginPost,
  secondFactorPage,
  secondFactorPost,
} from './interaction/room.ts'
import { introspectRoom } from './introspect/room.ts'
import { jwksRoom } from './jwks/room.ts'
import { keyReportsRoom } from './key-reports/room.ts'
import { confirmLogoutRoom, logoutRoom } from './logout/room.ts'
import { authorizationServerMetadataRoom, openidConfigurationRoom } from './metadata/room.ts'
import { assetRoom } from './pages/assets.ts'
import { parRoom } from './par/room.ts'
import { paths } from './paths.ts'
import { managementRoom } from './register/management-room.ts'
import { registerRoom } from './register/room.ts'
import { revocationsRoom } from './revocations/room.ts'
import { revokeRoom } from './revoke/room.ts'
import type { Room } from './room.ts'
import { statusListRoom } from './status-list/room.ts'
import { tokenRoom } from './token/room.ts'
import { upstreamRoom } from './upstream/room.ts'
import { userinfoRoom } from './userinfo/room.ts'

const kib = 1024

/** Every endpoint there is: method, path, room, and what the edge holds a request to before the room sees it. */
export const routes: readonly Route[] = [
  wellKnown(paths.openidConfiguration, openidConfigurationRoom),
  wellKnown(paths.authorizationServer, authorizationServerMetadataRoom),
  document(paths.jwks, jwksRoom),
  document(paths.statusList, statusListRoom),

  // Clients, with their credentials.
  backChannel(paths.par, parRoom, 64 * kib, 'clients'),
  backChannel(paths.token, tokenRoom, 32 * kib, 'clients'),
  backChannel(paths.introspect, introspectRoom, 32 * kib, 'none'),
  backChannel(paths.revoke, revokeRoom, 32 * kib, 'clients'),
  backChannel(paths.revocations, revocationsRoom, 32 * kib, 'none'),
  backChannel(paths.keyReports, keyReportsRoom, 32 * kib, 'none'),
  backChannel(paths.backchannelAuthentication, backchannelAuthenticationRoom, 64 * kib, 'none'),
  backChannel(paths.deviceAuthorization, deviceAuthorizationRoom, 32 * kib, 'none'),

  {
    ...backChannel(paths.challenge, challengeRoom, 32 * kib, 'clients'),
    form: 'optional',
    countsFailures: false,
  },

  // Clients that register themselves, with the token for it. No script of another origin comes in here.
  registration('POST', paths.register, registerRoom),
  registration('GET', paths.registered, managementRoom),
  registration('PUT', paths.registered, managementRoom),
  registration('DELETE', paths.registered, managementRoom),

  // Clients, with an access token.
  { ...reading(paths.userinfo, userinfoRoom), cors: 'clients', dialect: 'json', takesToken: true },
  { ...withToken(backChannel(paths.userinfo, userinfoRoom, 32 * kib, 'clients')), form: 'optional' },

  ...[readGrantRoom, revokeGrantRoom].map(
    (room): Route => ({
      ...reading(paths.grant, room),
      method: room === readGrantRoom ? 'GET' : 'DELETE',
      dialect: 'json',
      takesToken: true,
    }),
  ),

  {
    ...withToken(backChannel(paths.globalRevocation, globalRevocationRoom, 16 * kib, 'none')),
    form: 'judged-by-room',
  },

  // APIs and gateways that ask the decision point, or the policies of the issuer about a call.
  wellKnown(paths.authzenConfiguration, authzenMetadataRoom),
  ...Object.entries(authzenPaths).map(
    ([endpoint, path]): Route => ({
      ...withToken(backChannel(path, accessRoom(endpoint as AuthzenEndpoint), 256 * kib, 'none')),
      form: 'judged-by-room',
    }),
  ),
  {
    ...withToken(backChannel(paths.callEvaluation, callRoom, 256 * kib, 'none')),
    form: 'judged-by-room',
  },

  // The user's browser. No script of another origin comes in here (FN-09).
  reading(paths.authorize, authorizeRoom),
  page(paths.authorize, authorizeRoom),
  reading(paths.login, loginPage),
  page(paths.login, loginPost),
  reading(paths.secondFactor, secondFactorPage),
  page(paths.secondFactor, secondFactorPost),
  reading(paths.upstream, upstreamRoom),
  reading(paths.consent, consentPage),
  page(paths.consent, consentPost),
  reading(paths.device, devicePage),
  page(paths.device, devicePost),
  reading(paths.ciba, cibaPage),
  page(paths.ciba, cibaPost),
  reading(paths.approvals, approvalsPage),
  page(paths.approvals, approvalsPost),
  reading(paths.confirm, confirmPage),
  page(paths.confirm, confirmPost),
  reading(paths.account, accountPage),
  page(paths.endSession, endSessionPost),
  page(paths.endOtherSessions, endOtherSessionsPost),
  page(paths.withdraw, withdrawPost),
  page(paths.forgetConsent, forgetConsentPost),
  reading(paths.security, securityPage),
  reading(paths.addPasskey, addPasskeyPage),
  page(paths.addPasskey, addPasskeyPost),
  reading(paths.addTotp, addTotpPage),
  page(paths.addTotp, addTotpPost),
  page(paths.removeAuthenticator, removeAuthenticatorPost),
  reading(paths.logout, logoutRoom),
  page(paths.logout, logoutRoom),
  page(paths.logoutConfirm, confirmLogoutRoom),
  reading(paths.asset, assetRoom),
]

function reading(path: string, room: Room): Route {
  return {
    method: 'GET',
    path,
    room,
    bodyBytesMax: 0,
    form: 'none',
    cors: 'none',
    dialect: 'page',
    countsFailures: false,
  }
}

function document(path: string, room: Room): Route {
  return { ...reading(path, room), cors: 'public', dialect: 'json' }
}

function wellKnown(path: string, room: Room): Route {
  return { ...document(path, room), placement: 'well-known' }
}

function backChannel(path: string, room: Room, bodyBytesMax: number, cors: Route['cors']): Route {
  return {
    method: 'POST',
    path,
    room,
    bodyBytesMax,
    form: 'required',
    cors,
    dialect: 'json',
    countsFailures: true,
  }
}

/** A missing nonce is ordinary life there: only what comes without a live token counts. */
function withToken(route: Route): Route {
  return { ...route, countsFailures: false, takesToken: true }
}

function registration(method: Route['method'], path: string, room: Room): Route {
  const isWritten = method === 'POST' || method === 'PUT'
  return {
    ...{ method, path, room, cors: 'none', dialect: 'json', countsFailures: true },
    bodyBytesMax: isWritten ? 64 * kib : 0,
    form: isWritten ? 'json' : 'none',
  }
}

/** Logins have their own, stored counts of failures: per account, and over all nodes. */
function page(path: string, room: Room): Route {
  return {
    method: 'POST',
    path,
    room,
    bodyBytesMax: 16 * kib,
    form: 'judged-by-room',
    cors: 'none',
    dialect: 'page',
    countsFailures: false,
  }
}
