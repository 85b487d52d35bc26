import type { Route } from '../http/route.ts'
import { jwksRoom } from './jwks/room.ts'
import { authorizationServerMetadataRoom, openidConfigurationRoom } from './metadata/room.ts'
import { paths } from './paths.ts'

const noBody = { bodyBytesMax: 0, form: 'none', countsFailures: false } as const
const publicDocument = { method: 'GET', ...noBody, cors: 'public' } as const

/** Every endpoint there is: method, path, room, and what the edge holds a request to before the room sees it. */
export const routes: readonly Route[] = [
  {
    ...publicDocument,
    path: paths.openidConfiguration,
    room: openidConfigurationRoom,
    placement: 'well-known',
  },
  {
    ...publicDocument,
    path: paths.authorizationServer,
    room: authorizationServerMetadataRoom,
    placement: 'well-known',
  },
  { ...publicDocument, path: paths.jwks, room: jwksRoom },
]
