import { type HandleHash, refuse } from '@holdfast/protocol'
import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import { auditAccepted } from '../audit-of.ts'
import { paths } from '../paths.ts'
import type { Room } from '../room.ts'
import { doneAt, gone } from './home.ts'
import { idOfRow } from './row-handle.ts'
import { type AccountVisit, onAccountPost, signedOutMeanwhile, stillSignedIn } from './visit.ts'

/** POST `/account/consents/forget`: the user is asked again. What was allowed stays; withdrawing it is another form. */
export const forgetConsentPost: Room = (exchange, ports) =>
  onAccountPost(exchange, ports, paths.account, forgetConsent)

async function forgetConsent(visit: AccountVisit, form: Form, ports: Ports): Promise<Reply> {
  const { exchange, session, now } = visit
  const key = idOfRow(visit, 'consent', form.get('id') ?? '', ports) as HandleHash | undefined
  const found = key === undefined ? undefined : await ports.store.findConsent(key)
  const { issuer, subject } = session.record
  if (found === undefined || found.issuer !== issuer || found.subject !== subject)
    return await gone(visit, ports, notRemembered)
  const committed = await ports.store.commit([
    stillSignedIn(visit),
    { kind: 'forget-consent', key: found.key },
    auditAccepted(
      exchange,
      now,
      'consent.forgotten',
      { clientId: found.clientId, subject },
      { remembered_grant: found.grantId, by: 'user' },
    ),
  ])
  return committed.committed ? doneAt(visit, 'forgotten') : signedOutMeanwhile(visit)
}

const notRemembered = refuse(
  'account.consent',
  [],
  'access_denied',
  'nothing of this name is remembered of the user',
)
