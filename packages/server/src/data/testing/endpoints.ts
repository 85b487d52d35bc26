import { backchannelAuthenticationRoom } from '../ciba/authentication-room.ts'
import { deviceAuthorizationRoom } from '../device/authorization-room.ts'
import { introspectRoom } from '../introspect/room.ts'
import { parRoom } from '../par/room.ts'
import { revokeRoom } from '../revoke/room.ts'
import type { Room } from '../room.ts'
import { tokenRoom } from '../token/room.ts'
import { accounts, redirectUri } from './clients.ts'
import { codeChallenge } from './flow.ts'
import type { FormFields } from './world.ts'

/** An endpoint where clients authenticate, and a request that is good but for who sends it. */
export interface ClientEndpoint {
  readonly path: string
  readonly room: Room
  readonly fields: FormFields
  /** What a good request is answered with. */
  readonly status: number
  /** The error of it, where nobody is meant to get further than past client authentication. */
  readonly error?: string
  /** Whether a proof is taken here; `required`: a DPoP client gets nothing without. */
  readonly dpop: 'none' | 'allowed' | 'required'
}

export const clientEndpoints: readonly ClientEndpoint[] = [
  {
    path: '/par',
    room: parRoom,
    fields: {
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'accounts',
      code_challenge: codeChallenge,
      code_challenge_method: 'S256',
    },
    status: 201,
    dpop: 'allowed',
  },
  {
    path: '/token',
    room: tokenRoom,
    fields: { grant_type: 'client_credentials', resource: accounts },
    status: 200,
    dpop: 'required',
  },
  {
    // None of these clients has this grant or the next, and no user is asked: both have tests of their own.
    path: '/bc-authorize',
    room: backchannelAuthenticationRoom,
    fields: { scope: 'openid', login_hint: 'alice', binding_message: 'W4SCT' },
    status: 400,
    error: 'unauthorized_client',
    dpop: 'allowed',
  },
  {
    path: '/device_authorization',
    room: deviceAuthorizationRoom,
    fields: { scope: 'accounts' },
    status: 400,
    error: 'unauthorized_client',
    dpop: 'allowed',
  },
  { path: '/introspect', room: introspectRoom, fields: { token: 'at_unknown' }, status: 200, dpop: 'none' },
  { path: '/revoke', room: revokeRoom, fields: { token: 'at_unknown' }, status: 200, dpop: 'none' },
]
