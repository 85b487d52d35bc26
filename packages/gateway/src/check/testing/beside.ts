import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { protect } from '@holdfast/resource-server/adapters/node.ts'
import { type Bed, type BedOptions, openBed, send } from '../../testing/bed.ts'
import { type ProxyKind, proxies, type RunningProxy } from './proxy.ts'
import { whereThere } from './where-there.ts'

/** What an API took after its SDK had verified evidence for it. */
export interface Taken {
  readonly method: string
  readonly url: string
  readonly jkt: string | undefined
  readonly body: string
}

/** A real proxy with our configuration between clients and an API with our SDK. */
export interface Beside {
  readonly kind: ProxyKind
  readonly bed: Bed
  readonly proxy: RunningProxy
  readonly taken: Taken[]
  /** Everything that reached the API was a request that was checked: nothing the SDK had to refuse. */
  readonly assertOnlyChecked: () => void
  readonly close: () => Promise<void>
}

/** What a test changes between client, check and API. */
export interface Between {
  /** Changes the configuration. */
  readonly edit?: (text: string) => string
  /** Port the proxy asks at, when it is not the check itself. */
  readonly checkPort?: (bed: Bed) => Promise<number>
}

export async function openBeside(
  kind: ProxyKind,
  options: BedOptions = {},
  { edit, checkPort }: Between = {},
): Promise<Beside> {
  const bed = await openBed({ isBeside: true, ...options })
  const taken: Taken[] = []
  bed.api.listener = protect(bed.api.sdk, {}, async (incoming, response, token) => {
    let body = ''
    for await (const chunk of incoming) body += String(chunk)
    const { method = '', url = '' } = incoming
    taken.push({ method, url, jkt: token.binding.jkt, body })
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ url, subject: token.subject }))
  })
  const seen = checkPort === undefined ? bed : { ...bed, checkPort: await checkPort(bed) }
  const proxy = await kind.start(seen, edit).catch(async (cause: unknown) => {
    await bed.close()
    throw cause
  })
  return {
    ...{ kind, bed, proxy, taken },
    assertOnlyChecked: () => {
      const refused = bed.apiEvents
        .filter(({ outcome }) => outcome !== 'accepted')
        .map(({ ruleId }) => ruleId)
      assert.deepEqual(refused, [], proxy.output())
    },
    close: async () => {
      await proxy.close()
      await bed.close()
    },
  }
}

/** The same tests for every proxy there is; where one is missing they are skipped and say so. */
export function besideEach(
  title: string,
  tests: (beside: () => Beside, kind: ProxyKind) => void,
  options: BedOptions = {},
): void {
  for (const kind of proxies)
    whereThere(`${title}: ${kind.name}`, kind.missing, () => {
      let beside: Beside
      before(async () => {
        beside = await openBeside(kind, options)
      })
      after(async () => await beside.close())
      tests(() => beside, kind)
    })
}

/** An honest request goes through and gets its own answer, not another's. */
export async function assertHonest({ bed }: Beside): Promise<void> {
  const path = `/accounts/${bed.token().slice(8)}`
  const answer = await send(bed, { token: bed.token(), path })
  assert.deepEqual([answer.status, answer.json.url], [200, path], answer.text)
}
