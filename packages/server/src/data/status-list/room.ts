import { firstRefusal } from '@holdfast/protocol'
import { statusListQueryRules } from '@holdfast/protocol/specs/token-status-list/rules.ts'
import {
  statusListAgeSecondsMax,
  statusListMediaType,
} from '@holdfast/protocol/specs/token-status-list/status-list.ts'
import type { Reply } from '../../http/exchange.ts'
import { paths } from '../paths.ts'
import { isKnown } from '../render/document.ts'
import { jsonReply } from '../render/json.ts'
import { publicSentence } from '../render/public-sentence.ts'
import type { Room } from '../room.ts'
import { listIdOf } from './allocate.ts'
import { preparedList } from './list.ts'

/**
 * A status list (Token Status List section 8): public, signed, and never older than it says. Nobody proves who they
 * are here, so nothing is written for them: a refusal is an answer and no record.
 */
export const statusListRoom: Room = async (exchange, ports) => {
  const refusal = firstRefusal(statusListQueryRules, {
    parameters: [...new URLSearchParams(exchange.query).keys()],
  })
  if (refusal !== undefined) {
    const description = publicSentence(exchange, refusal)
    return jsonReply(501, { error: refusal.error, error_description: description })
  }
  const list = listIdOf(exchange.params.id)
  if (list === undefined) return notFound
  const uri = exchange.issuer.url + paths.statusList.replace(':id', list)
  const prepared = await preparedList(exchange.issuer, list, uri, ports)
  if (prepared === undefined) return notFound
  // A cache between here and an API may keep it only as long as we would: ages do not add up.
  const age = Math.max(0, ports.clock.now() - prepared.madeAt)
  const headers: Reply['headers'] = [
    ['cache-control', `public, max-age=${Math.max(0, statusListAgeSecondsMax - age)}`],
    ['etag', prepared.etag],
  ]
  return isKnown(exchange.headers('if-none-match'), prepared.etag)
    ? { status: 304, headers, body: '' }
    : { status: 200, headers: [['content-type', statusListMediaType], ...headers], body: prepared.body }
}

const notFound: Reply = jsonReply(404, { error: 'not_found' })
