import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { verifyAudit } from '@holdfast/server/control/verify-audit.ts'
import { openStore } from '../product/node.ts'
import type { ProductClient } from '../product/product.ts'
import { forkNode, type PreparedProduct } from '../product/start.ts'
import { allowedAuthReqId, allowedDeviceCode, cibaGrant, deviceGrant, type Track } from './races.ts'
import { type Answer, type Fields, newBrowser, newProofKey, type ProofKey, RawClient } from './raw-client.ts'

export interface KillOptions {
  readonly prepared: PreparedProduct
  readonly cycles: number
  /** Codes of each kind issued before each kill and redeemed while it happens. */
  readonly codesPerCycle: number
  readonly onCycle?: (cycle: number, report: KillReport) => void
}

export interface KillReport {
  acknowledgedTokens: number
  readonly acknowledgedRedemptions: Record<CodeKind, number>
  /** Requests that got no answer: nobody may rely on either outcome. */
  unanswered: number
  /** Acknowledged tokens that the restarted server did not know. Must be 0. */
  lostTokens: number
  /** Acknowledged codes whose token the restarted server did not know. Must be 0. */
  lostRedemptions: number
  /** Codes that bought tokens twice. Must be 0. */
  doubleRedemptions: number
  /** Acknowledged assertions or proofs that were accepted again. Must be 0. */
  replaysAccepted: number
  /** What `verifyAudit` found wrong at the end. Must be empty. */
  auditProblems: readonly string[]
  auditRecords: number
}

export type CodeKind = 'code' | 'device code' | 'auth_req_id'

/** Something that its user allowed and that buys tokens once. */
interface Allowed {
  readonly kind: CodeKind
  readonly who: ProductClient
  readonly form: Fields
}

interface Redemption extends Allowed {
  readonly answer: Answer | undefined
}

interface Issued {
  readonly token: string
  readonly form: Fields
  readonly proof: string
}

const connections = 16
/** Longest time under load before the kill. */
const loadMsMax = 400

/** Kills the server under load, starts it again over the same file, and asks what it remembers. */
export async function killCycles(options: KillOptions): Promise<KillReport> {
  const { prepared, cycles } = options
  const report: KillReport = {
    acknowledgedTokens: 0,
    acknowledgedRedemptions: { code: 0, 'device code': 0, auth_req_id: 0 },
    unanswered: 0,
    lostTokens: 0,
    lostRedemptions: 0,
    doubleRedemptions: 0,
    replaysAccepted: 0,
    auditProblems: [],
    auditRecords: 0,
  }
  const key = await newProofKey()
  let node = await forkNode(prepared.config)
  try {
    for (let cycle = 1; cycle <= cycles; cycle++) {
      const { issued, redemptions } = await loadAndKill(options, node, key, report)
      node = await forkNode(prepared.config)
      await interrogate(options, key, issued, redemptions, report)
      options.onCycle?.(cycle, report)
    }
  } finally {
    await kill(node)
  }
  const store = await openStore(prepared.config)
  const verified = await verifyAudit(store)
  await store.close()
  report.auditRecords = verified.chains.reduce((sum, chain) => sum + chain.records, 0)
  report.auditProblems = verified.chains.flatMap(({ chain, intact, brokenAt, reason }) =>
    intact ? [] : [`${chain}: record ${brokenAt}: ${reason}`],
  )
  return report
}

async function kill(node: ChildProcess): Promise<void> {
  if (node.exitCode !== null || node.signalCode !== null) return
  const ended = once(node, 'exit')
  node.kill('SIGKILL')
  await ended
}

function clientTo(options: KillOptions): RawClient {
  return new RawClient(options.prepared.product, [options.prepared.config.issuer], connections)
}

async function loadAndKill(
  options: KillOptions,
  node: ChildProcess,
  key: ProofKey,
  report: KillReport,
): Promise<{ issued: readonly Issued[]; redemptions: readonly Redemption[] }> {
  const { product } = options.prepared
  const who = product.clients['private_key_jwt with DPoP']
  const client = clientTo(options)
  const { browser, close } = newBrowser(product)
  const codes = await allowedCodes({ product, client, browser, key }, options.codesPerCycle)
  await client.token(who, key, { grant_type: 'client_credentials', scope: 'accounts' })

  const issued: Issued[] = []
  const redemptions: Redemption[] = []
  let isDead = false
  const issue = async (): Promise<void> => {
    while (!isDead) {
      const form = { grant_type: 'client_credentials', scope: 'accounts', ...(await client.assertion(who)) }
      const proof = await client.proof(key, '/token')
      const answer = await client.post('/token', form, proof).catch(() => undefined)
      if (answer === undefined) report.unanswered++
      else if (answer.status === 200) issued.push({ token: String(answer.json.access_token), form, proof })
    }
  }
  const redeem = async (allowed: readonly Allowed[]): Promise<void> => {
    for (const one of allowed) {
      if (isDead) return
      const answer = await client.token(one.who, key, one.form).catch(() => undefined)
      if (answer === undefined) report.unanswered++
      redemptions.push({ ...one, answer })
    }
  }
  const load = [...codes.map(redeem), ...Array.from({ length: connections - codes.length }, issue)]
  // Unpredictable on purpose: over many cycles the kill meets every instant of a commit.
  await new Promise(resolve => setTimeout(resolve, 20 + (process.hrtime()[1] % loadMsMax)))
  await kill(node)
  isDead = true
  await Promise.all(load)
  await Promise.all([client.close(), close()])
  report.acknowledgedTokens += issued.length
  for (const { kind, answer } of redemptions)
    if (answer?.status === 200) report.acknowledgedRedemptions[kind]++
  return { issued, redemptions }
}

/** As many of each kind, kind by kind: each kind is redeemed beside the others. */
async function allowedCodes(track: Track, count: number): Promise<readonly (readonly Allowed[])[]> {
  const { product, client, browser } = track
  const who = product.clients['private_key_jwt with DPoP']
  const codes: Allowed[] = []
  const deviceCodes: Allowed[] = []
  const authReqIds: Allowed[] = []
  for (let index = 0; index < count; index++) {
    codes.push({ kind: 'code', who, form: await client.code(product, who, browser) })
    const device_code = await allowedDeviceCode(track)
    const ofDevice = { grant_type: deviceGrant, device_code }
    deviceCodes.push({ kind: 'device code', who: product.device, form: ofDevice })
    const auth_req_id = await allowedAuthReqId(track)
    const ofCiba = { grant_type: cibaGrant, auth_req_id }
    authReqIds.push({ kind: 'auth_req_id', who: product.pointOfSale, form: ofCiba })
  }
  return [codes, deviceCodes, authReqIds]
}

async function interrogate(
  options: KillOptions,
  key: ProofKey,
  issued: readonly Issued[],
  redemptions: readonly Redemption[],
  report: KillReport,
): Promise<void> {
  const { product } = options.prepared
  const who = product.clients['private_key_jwt with DPoP']
  const client = clientTo(options)
  const isKnown = async (answer: Answer): Promise<boolean> =>
    (await client.introspect(product, String(answer.json.access_token))).active === true
  for (const { token, form, proof } of issued.slice(-40)) {
    if ((await client.introspect(product, token)).active !== true) report.lostTokens++
    const again = { grant_type: 'client_credentials', scope: 'accounts', ...(await client.assertion(who)) }
    if ((await client.post('/token', form, await client.proof(key, '/token'))).status === 200)
      report.replaysAccepted++
    if ((await client.post('/token', again, proof)).status === 200) report.replaysAccepted++
  }
  for (const { who: redeemer, form, answer } of redemptions) {
    const wasRedeemed = answer?.status === 200
    if (answer !== undefined && wasRedeemed && !(await isKnown(answer))) report.lostRedemptions++
    const first = await client.token(redeemer, key, form)
    if (wasRedeemed && first.status === 200) report.doubleRedemptions++
    const second = await client.token(redeemer, key, form)
    if (second.status === 200) report.doubleRedemptions++
  }
  await client.close()
}
