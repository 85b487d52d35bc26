import { secondsAfter } from '@holdfast/protocol'
import type { Ports } from '../../ports.ts'
import type { RememberedConsentRecord } from '../../store/approval-records.ts'
import type { AuditRecord, GrantRecord } from '../../store/records.ts'
import type { Write } from '../../store/writes.ts'
import {
  type Asking as ConsentAsking,
  consentKey,
  isRemembered,
  mayRemember,
  rememberedOf,
} from '../consents/remembered.ts'
import type { Authorized } from '../policy/authorize.ts'
import type { Asked } from './named-grant.ts'
import type { LiveSession } from './session.ts'
import type { Visit } from './visit.ts'

/** On which answer a consent rests: on the page that was shown now, or on one that is remembered. */
export type Memory =
  | { readonly kind: 'shown'; readonly rememberSeconds: number | undefined }
  | { readonly kind: 'remembered'; readonly record: RememberedConsentRecord }

/** How long the page says that the user is not asked again; undefined: it says nothing, and they are. */
export function rememberSecondsOf(visit: Visit, asked: Asked, permitted: Authorized): number | undefined {
  // What others approved they approved this once.
  if (!permitted.ok || permitted.uses.length > 0 || !mayRemember(askingOf(visit, asked))) return undefined
  return permitted.rememberSeconds === 0 ? undefined : permitted.rememberSeconds
}

/** What the user allowed before and need not see again. */
export async function rememberedFor(
  visit: Visit,
  { record: { subject } }: LiveSession,
  asked: Asked,
  seconds: number | undefined,
  ports: Pick<Ports, 'store'>,
): Promise<RememberedConsentRecord | undefined> {
  if (seconds === undefined) return undefined
  const { exchange, client, now } = visit
  const found = await ports.store.findConsent(consentKey(exchange.issuer.url, client.clientId, subject))
  return isRemembered(found, askingOf(visit, asked), seconds, now) ? found : undefined
}

function askingOf({ exchange, interaction, client, profile }: Visit, asked: Asked): ConsentAsking {
  const { request, device } = interaction
  return { issuer: exchange.issuer, client, profile, request, asked, isDevice: device !== undefined }
}

/** Who says no is asked again next time. */
export function forgetting({ exchange, client }: Visit, { record }: LiveSession): Write {
  return { kind: 'forget-consent', key: consentKey(exchange.issuer.url, client.clientId, record.subject) }
}

/** The guard that it is still remembered; or it is remembered from now on. */
export function memoryWrites(
  visit: Visit,
  grant: GrantRecord,
  asked: Asked,
  memory: Memory,
): readonly Write[] {
  if (memory.kind === 'remembered') {
    const { key, grantId } = memory.record
    return [{ kind: 'require-consent', key, grantId, at: visit.now }]
  }
  if (memory.rememberSeconds === undefined) return []
  const record = rememberedOf(askingOf(visit, asked), grant, memory.rememberSeconds)
  return [{ kind: 'remember-consent', record }]
}

/** For the audit. @param shown what the page said, when one was shown */
export function memoryFacts(
  { now }: Visit,
  memory: Memory,
  shown: AuditRecord['facts'],
): AuditRecord['facts'] {
  if (memory.kind === 'remembered') {
    const { grantId, issuedAt, expiresAt } = memory.record
    return {
      ...{ consent: 'remembered', remembered_grant: grantId },
      ...{ remembered_at: issuedAt, remembered_until: expiresAt },
    }
  }
  const { rememberSeconds } = memory
  return {
    ...{ consent: 'allowed', ...shown },
    ...(rememberSeconds !== undefined && { remembered_until: secondsAfter(now, rememberSeconds) }),
  }
}
