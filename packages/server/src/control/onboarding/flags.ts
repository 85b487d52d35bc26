import type { ChainedAuditRecord } from '../../store/records.ts'
import type { ControlPorts } from '../apply.ts'
import { daySeconds } from '../content-approvals.ts'
import { storedDocuments } from '../documents.ts'
import { issuersNamed } from '../issuers-named.ts'
import { type Checked, checked } from '../problem.ts'
import { readAudit } from '../read-audit.ts'
import type { ClientFlag, FlaggedClient, FlagsRequest, OnboardingFlags } from './api.ts'

/** Something done in the name of a client that good clients do not do, or not often. */
interface FlagRule {
  readonly flag: string
  readonly reason: string
  /** Fewer within the time looked at are no flag: everybody makes a mistake. */
  readonly least: number
  readonly rules: RegExp
}

const flagRules: readonly FlagRule[] = [
  {
    flag: 'replay',
    reason: 'what works once came twice: somebody has what the client sent, or the client sends it twice',
    least: 1,
    rules: /[.-](replay|replayed|reused)$|^(code|request-uri)\.(spent|unspent)$/,
  },
  {
    flag: 'redirect',
    reason: 'a redirect URI that is not registered: a wrong setting, or somebody who wants the codes',
    least: 1,
    rules: /^redirect-uri\./,
  },
  {
    flag: 'foreign',
    reason: 'what was issued to another client was presented',
    least: 1,
    rules: /^(code|refresh|revocation)\.(client|owner)$/,
  },
  {
    flag: 'key',
    reason: 'a token or code was used with another key than it is bound to',
    least: 1,
    rules:
      /^(cnf\.(thumbprint|jkt|x5t)|dpop\.(key|binding|ath)|(code|refresh)\.(key|dpop-key|instance-key)|bearer\.dpop-downgrade|sender\.)/,
  },
  {
    flag: 'authentication',
    reason: 'authentication failed again and again: a wrong key, or somebody who tries',
    least: 10,
    rules: /^(client-auth|assertion|svid)\.(?!suspended|.*replay)/,
  },
  {
    flag: 'beyond',
    reason: 'asked again and again for more than it is registered for',
    least: 20,
    rules: /^(scope|resource)\.allowed$|^client-credentials\.scope$/,
  },
  {
    flag: 'held-back',
    reason: 'goes on asking although it is not served',
    least: 1,
    rules: /^onboarding\.(client|authorization)$|^client-auth\.suspended$/,
  },
]

/** Clients that are told, those with most flags first. */
const clientsMax = 500

interface Seen {
  readonly client: string
  readonly issuer: string
  readonly counts: Map<string, Omit<ClientFlag, 'flag' | 'reason'>>
}

/**
 * What the audit holds against each client: counted, with the reason and a reference to look at. It was done in the
 * client's name, which is not always the client.
 */
export async function onboardingFlags(
  { issuer, days, client: only }: FlagsRequest,
  { store, issuers, clock }: Pick<ControlPorts, 'store' | 'issuers' | 'clock'>,
): Promise<Checked<OnboardingFlags>> {
  const stored = storedDocuments(await store.listDocuments())
  if (!stored.ok) return stored
  const urls = new Set(issuersNamed(issuer, issuers).map(({ url }) => url))
  // Names that only attackers sent are nobody's, and without end.
  const seen = new Map<string, Seen>()
  const onboarded = new Set<string>()
  for (const { issuerUrl, document } of stored.value) {
    if (!urls.has(issuerUrl)) continue
    const { kind, name } = document
    if (kind === 'ClientOnboarding' && document.spec.state === 'active')
      onboarded.add(keyOf(issuerUrl, document.spec.content.client))
    if ((kind === 'Client' || kind === 'RegisteredClient') && (only === undefined || name === only))
      seen.set(keyOf(issuerUrl, name), { client: name, issuer: issuerUrl, counts: new Map() })
  }
  const since = clock.now() - days * daySeconds
  await readAudit(store, record => {
    if (record.at >= since) count(record, seen)
  })
  const clients = [...seen]
    .map(([key, found]): FlaggedClient => {
      const { client, issuer: url } = found
      return { client, issuer: url, isOnboarded: onboarded.has(key), flags: flagsOf(found) }
    })
    .filter(({ flags }) => flags.length > 0)
    .toSorted((left, right) => right.flags.length - left.flags.length)
  return checked({ clients: clients.slice(0, clientsMax), untold: Math.max(0, clients.length - clientsMax) })
}

function count(
  { issuer, clientId, outcome, ruleId, facts, at, requestId }: ChainedAuditRecord,
  seen: Map<string, Seen>,
): void {
  if (outcome === 'accepted' || ruleId === undefined) return
  const client = clientId ?? (typeof facts.client_id === 'string' ? facts.client_id : undefined)
  const found = client === undefined ? undefined : seen.get(keyOf(issuer, client))
  const rule = found && flagRules.find(({ rules }) => rules.test(ruleId))
  if (found === undefined || rule === undefined) return
  const known = found.counts.get(rule.flag)
  const isNewer = known === undefined || at >= known.lastAt
  found.counts.set(rule.flag, {
    count: (known?.count ?? 0) + 1,
    reference: isNewer ? requestId : known.reference,
    lastAt: isNewer ? at : known.lastAt,
  })
}

function flagsOf({ counts }: Seen): readonly ClientFlag[] {
  return flagRules.flatMap(({ flag, reason, least }) => {
    const found = counts.get(flag)
    return found === undefined || found.count < least ? [] : [{ flag, reason, ...found }]
  })
}

function keyOf(issuer: string, client: string): string {
  return `${client} ${issuer}`
}
