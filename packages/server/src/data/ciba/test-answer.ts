import { refuse } from '@holdfast/protocol'
import { cibaGrantType } from '@holdfast/protocol/specs/openid-ciba/rules.ts'
import { parseForm } from '@holdfast/protocol/wire/form.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Route } from '../../http/route.ts'
import type { Ports } from '../../ports.ts'
import type { FoundBackchannelRequest } from '../../store/store.ts'
import type { Write } from '../../store/writes.ts'
import { auditAccepted } from '../audit-of.ts'
import { askedAgain } from '../authorize/asked-elsewhere.ts'
import { hashOfHandle } from '../handle.ts'
import { statedBySession } from '../interaction/authentication.ts'
import { judgeAuthorize } from '../policy/authorize.ts'
import { recordRefusal, refusedOauth } from '../refused.ts'
import { jsonReply } from '../render/json.ts'
import { statedRisk } from '../risk/client.ts'
import { approvalWrites, cibaGrantLifetime, cibaGrantOf, denialWrites, loadAskedElsewhere } from './answer.ts'
import { judgeCibaAccess } from './request.ts'

const refused = 'ciba.test-answer-refused'

/**
 * Answers in the place of a user, for programs that test: GET `/ciba/test-answer?auth_req_id=…&action=allow|deny`. In
 * no table: only a development server whose operator asks for it serves this route, and only for development issuers.
 * @deprecated whoever holds an `auth_req_id` needs no user any more
 */
export const testOnlyAnswerRoute: Route = {
  method: 'GET',
  path: '/ciba/test-answer',
  room: testAnswerRoom,
  bodyBytesMax: 0,
  form: 'none',
  cors: 'none',
  dialect: 'json',
  countsFailures: false,
}

async function testAnswerRoom(exchange: Exchange, ports: Ports): Promise<Reply> {
  const query = parseForm(exchange.query)
  if (!query.ok) return await refusedOauth(exchange, ports, refused, query)
  if (exchange.issuer.environment !== 'development')
    return await refusedOauth(exchange, ports, refused, notHere)
  const action = query.value.get('action')
  const hash = hashOfHandle('auth_req_id', exchange.issuer.url, query.value.get('auth_req_id') ?? '')
  const found = await ports.store.findBackchannelRequest(hash)
  const writes =
    found && (action === 'allow' ? await allowing(found, exchange, ports) : denying(found, exchange, ports))
  if (found === undefined || writes === undefined || (action !== 'allow' && action !== 'deny'))
    return await refusedOauth(exchange, ports, refused, nothing)
  const { txn, clientId, subject } = found
  const context = { txn, clientId, subject }
  const facts = { auth_req_ref: hash, action }
  const now = ports.clock.now()
  const committed = await ports.store.commit([
    ...writes,
    auditAccepted(exchange, now, 'ciba.test-answered', context, facts),
  ])
  if (committed.committed) return jsonReply(200, { action })
  await recordRefusal(exchange, ports, refused, nothing, { context })
  return jsonReply(400, { error: nothing.error })
}

const notHere = refuse(
  'ciba-test.development',
  [],
  'invalid_request',
  'only a development issuer lets tests answer for users',
)

const nothing = refuse(
  'ciba-test.request',
  [],
  'invalid_request',
  'no request waits by this `auth_req_id`, or `action` is neither `allow` nor `deny`',
)

/** As if the user had typed their password now. */
async function allowing(
  found: FoundBackchannelRequest,
  exchange: Exchange,
  ports: Ports,
): Promise<readonly Write[] | undefined> {
  const client = exchange.issuer.clients.get(found.clientId)
  const access = client && judgeCibaAccess(askedAgain(found), client, exchange.issuer)
  if (client === undefined || access?.ok !== true) return undefined
  const asked = await loadAskedElsewhere(found, client, access.value, exchange.issuer, ports)
  if (!asked.ok) return undefined
  const now = ports.clock.now()
  const sid = ports.entropy.bytes(16).toString('base64url')
  const stated = statedBySession(exchange.issuer, { pwd: now })
  // Where a password reaches no level, nothing can be allowed by one.
  if (stated === undefined) return undefined
  const { txn, subject } = found
  const permitted = await judgeAuthorize(
    {
      ...{ client, grantType: cibaGrantType, txn, now },
      wanted: { ...asked.value, profile: access.value.profile },
      user: { subject, sid, ...stated },
      risk: statedRisk(
        { client, profile: access.value.profile, subject, signIn: undefined, now },
        exchange,
        ports,
      ),
    },
    exchange,
    ports,
  )
  if (!permitted.ok) return undefined
  const lifetimeSeconds = cibaGrantLifetime(client, asked.value, access.value.profile)
  const grant = cibaGrantOf(found, asked.value, { sid, ...stated }, lifetimeSeconds, ports, now)
  const writes = approvalWrites(found, grant, asked.value.named, exchange.requestId, ports)
  return [...permitted.uses, ...permitted.writes, ...writes]
}

function denying(found: FoundBackchannelRequest, exchange: Exchange, ports: Ports): readonly Write[] {
  return denialWrites(found, exchange.requestId, ports, ports.clock.now())
}
