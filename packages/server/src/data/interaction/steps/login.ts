import { type Refusal, refuse } from '@holdfast/protocol'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Reply } from '../../../http/exchange.ts'
import type { Ports } from '../../../ports.ts'
import type { UserRecord } from '../../../store/records.ts'
import type { Write } from '../../../store/writes.ts'
import { judgeAssertion } from '../../authenticators/assertion.ts'
import { signInChallenge } from '../../authenticators/challenge.ts'
import { signInOptions } from '../../authenticators/options.ts'
import { subjectFor } from '../../mint/pairwise.ts'
import { loginView } from '../../pages/login.ts'
import { formTargetOf, seeOther } from '../../pages/page.ts'
import type { SignInProblem } from '../../pages/sign-in-problem.ts'
import { recordRefusal } from '../../refused.ts'
import { countRiskFailure } from '../../risk/counters.ts'
import { leaveForProvider } from '../../upstream/leave.ts'
import { judgeSubject } from '../assurance.ts'
import {
  type AttemptKeys,
  attemptKeys,
  countFailure,
  countSource,
  openAccountTurns,
  secondsToWait,
  secondsToWaitOfSource,
} from '../attempts.ts'
import { csrfToken } from '../csrf.ts'
import { finishRefused } from '../finish.ts'
import { makeProgress } from '../progress.ts'
import { stepUrl } from '../record.ts'
import type { InteractionStep } from '../step.ts'
import type { Visit } from '../visit.ts'

const turns = openAccountTurns()

/** User name and password from the embedded directory, or a passkey that says itself who comes. */
export const login: InteractionStep = {
  name: 'login',
  isNeeded: ({ authentication }) => authentication.next === 'login',
  show: (visit, ports) => render(visit, ports, hintOf(visit)),
  answer,
}

async function answer(visit: Visit, form: Form, ports: Ports): Promise<Reply> {
  const provider = form.get('provider')
  if (provider !== undefined) return await leaveForProvider(visit, ports, provider)
  const credential = form.get('credential')
  if (credential !== undefined) return await withPasskey(visit, ports, credential)
  const username = (form.get('username') ?? '').trim()
  const password = form.get('password')
  if (username === '' || password === undefined) return render(visit, ports, username, { kind: 'missing' })

  const { issuer, remoteAddress } = visit.exchange
  const keys = attemptKeys(ports, issuer.url, username, remoteAddress)
  const reply = await turns.take(keys.account, () => attempt(visit, ports, username, password, keys))
  return reply ?? (await delayed(visit, ports, username, 1))
}

async function attempt(
  visit: Visit,
  ports: Ports,
  username: string,
  password: string,
  keys: AttemptKeys,
): Promise<Reply> {
  const seconds = await secondsToWait(ports, keys, visit.now)
  if (seconds > 0) return await delayed(visit, ports, username, seconds)

  const user = await ports.store.findUserByUsername(visit.exchange.issuer.url, username)
  const refusal = await judgeUser(user, password, ports)
  if (refusal !== undefined || user === undefined) {
    const risk = countRiskFailure(visit.exchange, ports, username, visit.now)
    const writes = [...countFailure(keys, visit.now), ...risk]
    const context = { ...contextOf(visit), ...(user && { subject: user.subject }) }
    await recordRefusal(visit.exchange, ports, 'login.refused', refusal ?? unknownUser, { context, writes })
    return render(visit, ports, username, { kind: 'wrong' })
  }
  return await signedIn(visit, ports, user, 'pwd', [{ kind: 'clear-failures', key: keys.account }])
}

/**
 * Whoever proved to be this user, by whatever means. Somebody else than the request names: the client is told, and
 * nobody is signed in (OIDC-11, OIDC-12).
 */
async function signedIn(
  visit: Visit,
  ports: Ports,
  user: UserRecord,
  method: 'pwd' | 'passkey',
  writes: readonly Write[],
): Promise<Reply> {
  const { issuer } = visit.exchange
  const told = subjectFor(ports.keys, issuer.url, visit.client.sector, user.subject)
  const unwanted = judgeSubject(visit.interaction.request, told)
  if (unwanted !== undefined)
    return await finishRefused(visit, ports, 'login.refused', unwanted, { writes, subject: user.subject })
  const previous = visit.browserSession?.record
  const { cookies } = await makeProgress(visit, ports, {
    event: 'login.accepted',
    user,
    methods: [method],
    previous,
    writes,
  })
  return onwards(visit, cookies)
}

const unknownUser = refuse('login.user', ['OIDC-3.1.2.3'], 'access_denied', 'no such user')

/** One password computation whatever is wrong: the answer and its time are the same (OIDC-14). */
async function judgeUser(
  user: UserRecord | undefined,
  password: string,
  ports: Ports,
): Promise<Refusal | undefined> {
  if (user === undefined) {
    await ports.passwords.verifyNothing(password)
    return unknownUser
  }
  if (!(await ports.passwords.verify(password, user.passwordHash)))
    return refuse('login.password', ['OIDC-3.1.2.3'], 'access_denied', 'wrong password')
  return user.status === 'active'
    ? undefined
    : refuse('login.disabled', ['OIDC-3.1.2.3'], 'access_denied', 'the user is disabled')
}

/** A signature cannot be guessed, so failures count for the network they come from and lock nobody out. */
async function withPasskey(visit: Visit, ports: Ports, credential: string): Promise<Reply> {
  const { exchange, interaction, now } = visit
  const keys = attemptKeys(ports, exchange.issuer.url, '', exchange.remoteAddress)
  const seconds = await secondsToWaitOfSource(ports, keys, now)
  if (seconds > 0) return await delayed(visit, ports, hintOf(visit), seconds)
  const challenge = signInChallenge(ports, interaction)
  const proven = await judgeAssertion(exchange, ports, credential, { challenge, subject: undefined })
  if (!proven.ok) {
    const subject = 'subject' in proven ? proven.subject : undefined
    await recordRefusal(exchange, ports, 'login.refused', proven, {
      context: { ...contextOf(visit), ...(subject !== undefined && { subject }) },
      outcome: proven.ruleId === 'passkey.counter' ? 'alert' : 'refused',
      writes: [...countSource(keys, now), ...countRiskFailure(exchange, ports, undefined, now)],
    })
    return render(visit, ports, hintOf(visit), { kind: 'passkey' })
  }
  const { user, id, counter } = proven.value
  return await signedIn(visit, ports, user, 'passkey', [{ kind: 'use-authenticator', id, counter, at: now }])
}

/** The room knows which step is next. */
function onwards({ exchange, id }: Visit, cookies: Reply['headers']): Reply {
  return seeOther(stepUrl(exchange.issuer.url, id, 'consent'), cookies)
}

async function delayed(visit: Visit, ports: Ports, username: string, seconds: number): Promise<Reply> {
  const refusal = refuse(
    'login.delay',
    ['OIDC-3.1.2.3'],
    'temporarily_unavailable',
    'too many failed logins of this account or from this network',
    { wait_seconds: seconds },
  )
  await recordRefusal(visit.exchange, ports, 'login.refused', refusal, { context: contextOf(visit) })
  return render(visit, ports, username, { kind: 'wait', seconds })
}

function render(visit: Visit, ports: Ports, username: string, problem?: SignInProblem): Reply {
  const { exchange, interaction, client, id } = visit
  return loginView(exchange, {
    action: stepUrl(exchange.issuer.url, id, 'login'),
    csrf: csrfToken(ports.keys, interaction, 'login'),
    clientName: client.clientName,
    username,
    formTarget: targetsOf(visit),
    providers: [...exchange.issuer.identityProviders.values()],
    passkeyOptions: signInOptions(exchange.issuer.url, signInChallenge(ports, interaction), []),
    uiLocales: interaction.request.uiLocales,
    ...(problem && { problem }),
  })
}

/** The client, and wherever else a user may sign in: a browser checks every place that a post is redirected to. */
function targetsOf({ exchange, interaction }: Visit): string {
  const endpoints = [...exchange.issuer.identityProviders.values()].map(one => one.authorizationEndpoint)
  const origins = [interaction.request.redirectUri, ...endpoints].map(formTargetOf)
  return [...new Set(origins)].join(' ')
}

/** Only fills in the field; says nothing about accounts. Who is to choose an account finds none chosen. */
function hintOf({ interaction, browserSession }: Visit): string {
  const { loginHint, prompt } = interaction.request
  const current = prompt.includes('select_account') ? undefined : browserSession?.user.username
  return loginHint ?? current ?? ''
}

function contextOf({ interaction, client }: Visit): { readonly txn: string; readonly clientId: string } {
  return { txn: interaction.txn, clientId: client.clientId }
}
