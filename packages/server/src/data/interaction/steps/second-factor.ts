import { type Refusal, refuse } from '@holdfast/protocol'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Reply } from '../../../http/exchange.ts'
import type { Ports } from '../../../ports.ts'
import { auditAccepted } from '../../audit-of.ts'
import { judgeAssertion } from '../../authenticators/assertion.ts'
import { signInChallenge } from '../../authenticators/challenge.ts'
import { signInOptions } from '../../authenticators/options.ts'
import { judgeCode } from '../../authenticators/totp.ts'
import { formTargetOf, seeOther } from '../../pages/page.ts'
import { secondFactorView } from '../../pages/second-factor.ts'
import type { SignInProblem } from '../../pages/sign-in-problem.ts'
import { recordRefusal } from '../../refused.ts'
import { countRiskFailure } from '../../risk/counters.ts'
import {
  type AttemptKeys,
  countFailure,
  countSource,
  openAccountTurns,
  secondFactorKeys,
  secondFactorLimits,
  secondsToWait,
  secondsToWaitOfSource,
} from '../attempts.ts'
import type { AuthenticationState } from '../authentication.ts'
import { csrfToken } from '../csrf.ts'
import { finishRefused } from '../finish.ts'
import { makeProgress } from '../progress.ts'
import { stepUrl } from '../record.ts'
import type { LiveSession } from '../session.ts'
import type { InteractionStep } from '../step.ts'
import type { Visit } from '../visit.ts'

type Wanted = Extract<AuthenticationState, { next: 'second-factor' }>

const turns = openAccountTurns()

/** Something more than the password: because the user set it up, or because the request asks for a stronger level. */
export const secondFactor: InteractionStep = {
  name: 'second-factor',
  isNeeded: ({ authentication: { next } }) => next === 'second-factor' || next === 'unmet',
  show: (visit, ports) => withWanted(visit, ports, wanted => render(visit, ports, wanted)),
  answer: (visit, form, ports) => withWanted(visit, ports, wanted => answer(visit, wanted, form, ports)),
}

/** The client hears at once what cannot be reached: there is nothing the user could do on a page (STEP-03). */
async function withWanted(
  visit: Visit,
  ports: Ports,
  go: (wanted: Wanted) => Reply | Promise<Reply>,
): Promise<Reply> {
  const { authentication } = visit
  if (authentication.next === 'second-factor') return await go(authentication)
  return await finishRefused(visit, ports, 'second-factor.refused', unreachable)
}

/** Told to the client, before a page or in place of one. */
export const unreachable: Refusal = refuse(
  'step-up.unreachable',
  ['RFC9470-5-acr', 'OIDC-15.1-acr'],
  'unmet_authentication_requirements',
  'the user has no method that reaches the level that is asked for',
)

async function answer(visit: Visit, wanted: Wanted, form: Form, ports: Ports): Promise<Reply> {
  if (form.get('decision') === 'decline') return await declined(visit, wanted, ports)
  const { record } = sessionOf(visit)
  const { issuer, remoteAddress } = visit.exchange
  const keys = secondFactorKeys(ports, issuer.url, record.subject, remoteAddress)
  const credential = form.get('credential')
  if (credential !== undefined && wanted.methods.includes('passkey'))
    return await withPasskey(visit, wanted, credential, keys, ports)
  const code = form.get('code') ?? ''
  if (code.trim() === '' || !wanted.methods.includes('otp'))
    return render(visit, ports, wanted, { kind: 'missing' })
  const reply = await turns.take(keys.account, () => withCode(visit, wanted, code, keys, ports))
  return reply ?? (await delayed(visit, wanted, ports, 1))
}

async function withCode(
  visit: Visit,
  wanted: Wanted,
  code: string,
  keys: AttemptKeys,
  ports: Ports,
): Promise<Reply> {
  const { now } = visit
  const { user, record, authenticators } = sessionOf(visit)
  const seconds = await secondsToWait(ports, keys, now, secondFactorLimits)
  if (seconds > 0) return await delayed(visit, wanted, ports, seconds)
  const proven = judgeCode(authenticators, code, ports, now)
  if (!proven.ok) return await wrong(visit, wanted, proven, keys, ports)
  const { id, step } = proven.value
  const { committed, cookies } = await makeProgress(visit, ports, {
    event: 'second-factor.accepted',
    user,
    methods: ['otp'],
    previous: record,
    writes: [
      { kind: 'use-authenticator', id, counter: step, at: now },
      { kind: 'clear-failures', key: keys.account },
    ],
  })
  if (!committed.committed && committed.guard === 'use-authenticator')
    return await wrong(visit, wanted, usedMeanwhile, keys, ports)
  return onwards(visit, cookies)
}

const usedMeanwhile = refuse(
  'totp.raced',
  ['RFC6238-5.2-once'],
  'access_denied',
  'the code was taken at the same moment by another request',
)

async function wrong(
  visit: Visit,
  wanted: Wanted,
  refusal: Refusal,
  keys: AttemptKeys,
  ports: Ports,
): Promise<Reply> {
  const { exchange, now } = visit
  const { username } = sessionOf(visit).user
  await recordRefusal(exchange, ports, 'second-factor.refused', refusal, {
    context: contextOf(visit),
    writes: [
      ...countFailure(keys, now, secondFactorLimits),
      ...countRiskFailure(exchange, ports, username, now),
    ],
  })
  return render(visit, ports, wanted, { kind: 'wrong' })
}

async function withPasskey(
  visit: Visit,
  wanted: Wanted,
  credential: string,
  keys: AttemptKeys,
  ports: Ports,
): Promise<Reply> {
  const { exchange, interaction, now } = visit
  const { record } = sessionOf(visit)
  const seconds = await secondsToWaitOfSource(ports, keys, now)
  if (seconds > 0) return await delayed(visit, wanted, ports, seconds)
  const challenge = signInChallenge(ports, interaction)
  const proven = await judgeAssertion(exchange, ports, credential, { challenge, subject: record.subject })
  if (!proven.ok) {
    await recordRefusal(exchange, ports, 'second-factor.refused', proven, {
      context: contextOf(visit),
      outcome: proven.ruleId === 'passkey.counter' ? 'alert' : 'refused',
      writes: [
        ...countSource(keys, now),
        ...countRiskFailure(exchange, ports, sessionOf(visit).user.username, now),
      ],
    })
    return render(visit, ports, wanted, { kind: 'passkey' })
  }
  const { user, id, counter } = proven.value
  const { cookies } = await makeProgress(visit, ports, {
    event: 'second-factor.accepted',
    user,
    methods: ['passkey'],
    previous: record,
    writes: [{ kind: 'use-authenticator', id, counter, at: now }],
  })
  return onwards(visit, cookies)
}

/** What was only wished for is left; what is necessary ends the request. */
async function declined(visit: Visit, { isWish }: Wanted, ports: Ports): Promise<Reply> {
  const { exchange, interaction, now } = visit
  if (!isWish) {
    const refusal = refuse(
      'step-up.declined',
      ['RFC9470-5-acr'],
      'unmet_authentication_requirements',
      'the user would not authenticate more strongly',
    )
    return await finishRefused(visit, ports, 'second-factor.refused', refusal)
  }
  await ports.store.commit([
    { kind: 'advance-interaction', record: { ...interaction, isStepUpDeclined: true }, at: now },
    auditAccepted(exchange, now, 'second-factor.declined', contextOf(visit), {}),
  ])
  return onwards(visit, [])
}

async function delayed(visit: Visit, wanted: Wanted, ports: Ports, seconds: number): Promise<Reply> {
  const refusal = refuse(
    'second-factor.delay',
    ['RFC4226-7.3'],
    'temporarily_unavailable',
    'too many wrong codes of this user or from this network',
    { wait_seconds: seconds },
  )
  await recordRefusal(visit.exchange, ports, 'second-factor.refused', refusal, { context: contextOf(visit) })
  return render(visit, ports, wanted, { kind: 'wait', seconds })
}

/** The room knows which step is next. */
function onwards({ exchange, id }: Visit, cookies: Reply['headers']): Reply {
  return seeOther(stepUrl(exchange.issuer.url, id, 'consent'), cookies)
}

function render(visit: Visit, ports: Ports, wanted: Wanted, problem?: SignInProblem): Reply {
  const { exchange, interaction, client, id } = visit
  const { user, authenticators } = sessionOf(visit)
  const passkeys = authenticators.filter(one => one.kind === 'passkey')
  const challenge = signInChallenge(ports, interaction)
  return secondFactorView(exchange, {
    action: stepUrl(exchange.issuer.url, id, 'second-factor'),
    csrf: csrfToken(ports.keys, interaction, 'second-factor'),
    clientName: client.clientName,
    username: user.username,
    asksCode: wanted.methods.includes('otp'),
    passkeyOptions: wanted.methods.includes('passkey')
      ? signInOptions(exchange.issuer.url, challenge, passkeys)
      : undefined,
    isWish: wanted.isWish,
    formTarget: formTargetOf(interaction.request.redirectUri),
    uiLocales: interaction.request.uiLocales,
    ...(problem && { problem }),
  })
}

/** The room lets nobody reach this step without one. */
function sessionOf({ session }: Visit): LiveSession {
  if (session === undefined) throw new TypeError('second factor without a session')
  return session
}

function contextOf(visit: Visit): {
  readonly txn: string
  readonly clientId: string
  readonly subject: string
} {
  const { interaction, client } = visit
  return { txn: interaction.txn, clientId: client.clientId, subject: sessionOf(visit).record.subject }
}
