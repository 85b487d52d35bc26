import { type Refusal, refuse } from '@holdfast/protocol'
import { encodeBase32 } from '@holdfast/protocol/specs/rfc6238-totp/totp.ts'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Exchange, Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { AuditRecord, PasskeyRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import { auditAccepted } from '../audit-of.ts'
import { registrationChallenge, userHandleOf } from '../authenticators/challenge.ts'
import { registrationOptions } from '../authenticators/options.ts'
import { judgeRegistration } from '../authenticators/registration.ts'
import { judgeCodeOf, keyUri, offeredSecret, totpRecord } from '../authenticators/totp.ts'
import { hashOfHandle } from '../handle.ts'
import { succeedSession } from '../interaction/session.ts'
import { endingOfUser } from '../logout/end-of-user.ts'
import type { Notice } from '../pages/account.ts'
import { wordsFor } from '../pages/locale.ts'
import { seeOther } from '../pages/page.ts'
import { addPasskeyView, addTotpView, securityView } from '../pages/security.ts'
import { paths } from '../paths.ts'
import type { Room } from '../room.ts'
import { changedMeanwhile, recordAccountRefusal } from './refused.ts'
import { type AccountVisit, isAgain, onAccountPage, onAccountPost } from './visit.ts'

/** Passkeys and the one authenticator app of a user. */
export const authenticatorsMax = 11
const nameCharactersMax = 64

const notices: ReadonlyMap<string, 'passkeyAdded' | 'appAdded' | 'removed'> = new Map([
  ['passkey-added', 'passkeyAdded'],
  ['app-added', 'appAdded'],
  ['removed', 'removed'],
])

/** GET `/account/security`: how the user signs in. */
export const securityPage: Room = (exchange, ports) =>
  onAccountPage(exchange, ports, paths.security, isAgain(exchange), (visit, query) => {
    const done = notices.get(query.get('done') ?? '')
    const { security } = wordsFor(exchange)
    return renderSecurity(visit, done === undefined ? undefined : { text: security[done], isBad: false })
  })

export const addPasskeyPage: Room = (exchange, ports) =>
  onAccountPage(exchange, ports, paths.addPasskey, true, visit => renderPasskey(visit, ports))

export const addPasskeyPost: Room = (exchange, ports) =>
  onAccountPost(exchange, ports, paths.addPasskey, addPasskey)

export const addTotpPage: Room = (exchange, ports) =>
  onAccountPage(exchange, ports, paths.addTotp, true, visit =>
    hasApp(visit) ? seeOther(exchange.issuer.url + paths.security) : renderTotp(visit, ports),
  )

export const addTotpPost: Room = (exchange, ports) => onAccountPost(exchange, ports, paths.addTotp, addTotp)

/** Who must sign in again first comes back to the list, and chooses once more. */
export const removeAuthenticatorPost: Room = (exchange, ports) =>
  onAccountPost(exchange, ports, paths.security, remove)

async function addPasskey(visit: AccountVisit, form: Form, ports: Ports): Promise<Reply> {
  const { exchange, session, now } = visit
  const issuer = exchange.issuer.url
  const challenge = registrationChallenge(ports, session.record)
  const judged = await judgeRegistration(form.get('credential') ?? '', { issuer, challenge })
  if (!judged.ok) return await notAdded(visit, ports, judged)
  const { credentialId, publicKey, counter, transports } = judged.value
  const record: PasskeyRecord = {
    kind: 'passkey',
    id: hashOfHandle('passkey', issuer, credentialId),
    issuer,
    subject: session.record.subject,
    credentialId,
    publicKey,
    transports,
    name: nameOf(exchange, form),
    createdAt: now,
  }
  const insert: Write = { kind: 'insert-authenticator', record, counter, ofUserMax: authenticatorsMax }
  const facts = { method: 'passkey', authenticator: record.id }
  const changed = await change(visit, ports, [insert], [], { event: 'authenticator.added', facts })
  if (changed.reply !== undefined) return changed.reply('passkey-added')
  return await notAdded(
    visit,
    ports,
    changed.guard === 'insert-authenticator' ? knownPasskey : changedMeanwhile,
  )
}

const knownPasskey = refuse(
  'passkey.registered',
  ['WEBAUTHN-7.1-26'],
  'access_denied',
  'the passkey is registered already, or the user has as many as there may be',
)
async function notAdded(visit: AccountVisit, ports: Ports, refusal: Refusal): Promise<Reply> {
  await recordAccountRefusal(visit, ports, refusal)
  const text = wordsFor(visit.exchange).addPasskey.refused
  return renderPasskey(visit, ports, { text, isBad: true })
}

async function addTotp(visit: AccountVisit, form: Form, ports: Ports): Promise<Reply> {
  const { session, now } = visit
  const secret = offeredSecret(ports, session.record)
  const judged = judgeCodeOf(secret, form.get('code') ?? '', 0, now)
  if (!judged.ok) {
    await recordAccountRefusal(visit, ports, judged)
    const text = wordsFor(visit.exchange).addTotp.refused
    return renderTotp(visit, ports, { text, isBad: true })
  }
  const record = totpRecord(ports, secret, session.record, now)
  // The code that confirms is spent by it: it signs nobody in.
  const insert: Write = {
    kind: 'insert-authenticator',
    record,
    counter: judged.value,
    ofUserMax: authenticatorsMax,
  }
  const facts = { method: 'otp', authenticator: record.id }
  const changed = await change(visit, ports, [insert], ['otp'], { event: 'authenticator.added', facts })
  if (changed.reply !== undefined) return changed.reply('app-added')
  await recordAccountRefusal(visit, ports, changedMeanwhile)
  return seeOther(visit.exchange.issuer.url + paths.security)
}

async function remove(visit: AccountVisit, form: Form, ports: Ports): Promise<Reply> {
  const { exchange, session } = visit
  const said = wordsFor(exchange).security
  const found = session.authenticators.find(({ id }) => id === form.get('id'))
  if (found === undefined) {
    await recordAccountRefusal(visit, ports, notOwn)
    return renderSecurity(visit, { text: said.removedBefore, isBad: true })
  }
  const { id } = found
  const facts = { method: found.kind === 'totp' ? 'otp' : 'passkey', authenticator: id }
  const changed = await change(visit, ports, [{ kind: 'delete-authenticator', id }], [], {
    event: 'authenticator.removed',
    facts,
    endsOthers: true,
  })
  if (changed.reply !== undefined) return changed.reply('removed')
  await recordAccountRefusal(visit, ports, changedMeanwhile)
  return renderSecurity(visit, { text: said.changedMeanwhile, isBad: true })
}

const notOwn = refuse(
  'account.authenticator',
  [],
  'access_denied',
  'the user has no such passkey or authenticator app',
)

interface Told {
  readonly event: string
  readonly facts: AuditRecord['facts']
  /** Whether the user is signed out everywhere else. */
  readonly endsOthers?: boolean
}

/**
 * One commit: the change, the session under a new cookie (I12), the end of the others, and the record. The cookie
 * that goes is the guard that makes challenge and offered secret good for one answer.
 */
async function change(
  { exchange, session, now }: AccountVisit,
  ports: Ports,
  writes: readonly Write[],
  methods: readonly 'otp'[],
  { event, facts, endsOthers = false }: Told,
): Promise<{ readonly reply?: (done: string) => Reply; readonly guard?: string }> {
  const { record, user } = session
  const next = succeedSession(exchange, ports, user, record, methods, now)
  const { subject } = record
  const others = endsOthers
    ? await endingOfUser(ports, exchange.issuer, {
        subject,
        requestId: exchange.requestId,
        except: next.record,
        at: now,
      })
    : { writes: [], sids: [] }
  const committed = await ports.store.commit([
    { kind: 'require-user', record: user },
    ...next.writes,
    ...writes,
    ...others.writes,
    auditAccepted(exchange, now, event, { subject }, { ...facts, ended_sids: others.sids }),
  ])
  if (!committed.committed) return { guard: committed.guard }
  return { reply: done => seeOther(`${exchange.issuer.url}${paths.security}?done=${done}`, [next.cookie]) }
}

const hasApp = ({ session }: AccountVisit): boolean =>
  session.authenticators.some(({ kind }) => kind === 'totp')

function nameOf(exchange: Exchange, form: Form): string {
  const name = (form.get('name') ?? '').replaceAll(/\s+/g, ' ').trim()
  return name === ''
    ? wordsFor(exchange).addPasskey.usualName
    : [...name].slice(0, nameCharactersMax).join('')
}

function renderSecurity({ exchange, session, csrf }: AccountVisit, notice?: Notice): Reply {
  const { user, authenticators } = session
  const passkeys = authenticators.filter(({ kind }) => kind === 'passkey')
  return securityView(exchange, {
    username: user.username,
    csrf,
    authenticators,
    canAddPasskey: passkeys.length < authenticatorsMax - 1,
    ...(notice && { notice }),
  })
}

function renderPasskey({ exchange, session, csrf }: AccountVisit, ports: Ports, notice?: Notice): Reply {
  const { user, authenticators, record } = session
  const issuer = exchange.issuer.url
  const { name } = user.claims
  const options = registrationOptions(
    issuer,
    registrationChallenge(ports, record),
    {
      handle: userHandleOf(ports, issuer, user.subject),
      username: user.username,
      displayName: typeof name === 'string' ? name : user.username,
    },
    authenticators.filter(one => one.kind === 'passkey'),
  )
  return addPasskeyView(exchange, { username: user.username, csrf, options, ...(notice && { notice }) })
}

function renderTotp({ exchange, session, csrf }: AccountVisit, ports: Ports, notice?: Notice): Reply {
  const { user, record } = session
  const secret = offeredSecret(ports, record)
  return addTotpView(exchange, {
    username: user.username,
    csrf,
    secret: encodeBase32(secret),
    keyUri: keyUri(new URL(exchange.issuer.url).host, user.username, secret),
    ...(notice && { notice }),
  })
}
