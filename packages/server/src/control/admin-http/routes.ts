import { jsonReply } from '../../data/render/json.ts'
import type { Room } from '../../data/room.ts'
import type { Route } from '../../http/route.ts'
import { adminOperations } from './operations.ts'
import { adminRoom, openFloor } from './room.ts'
import { type AdminDesk, type AdminOperation, openStanding } from './visit.ts'

/** Threat model section 6: admin import. */
export const adminBodyBytesMax = 1_048_576

export const openApiPath = '/admin/v1/openapi.json'

/** The table of the admin listener. The document about it needs no token: it says nothing of what is stored. */
export function adminRoutes(desk: AdminDesk): readonly Route[] {
  const floor = openFloor(desk, openStanding(desk.options.ports.store))
  let document: object | undefined
  // Schemas of every body and answer: made when somebody asks first.
  const openApi: Room = async () => {
    const { openApiOf } = await import('./openapi.ts')
    document ??= openApiOf(adminOperations, desk)
    return jsonReply(200, document)
  }
  return [
    ...adminOperations.map(operation => routeOf(operation, adminRoom(operation, floor))),
    { ...routeOf({ method: 'GET', path: openApiPath, body: undefined }, openApi), takesToken: undefined },
  ].map(({ takesToken, ...route }): Route => (takesToken === undefined ? route : { ...route, takesToken }))
}

function routeOf(
  { method, path, body }: Pick<AdminOperation, 'method' | 'path' | 'body'>,
  room: Room,
): Omit<Route, 'takesToken'> & { readonly takesToken: true | undefined } {
  return {
    ...{ method, path, room, cors: 'none', dialect: 'json', countsFailures: false, takesToken: true },
    bodyBytesMax: body === undefined ? 0 : adminBodyBytesMax,
    form: body === undefined ? 'none' : 'json',
  }
}
