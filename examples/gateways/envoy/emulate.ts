import assert from 'node:assert/strict'
import { checkKey } from '../../../packages/gateway/src/testing/bed.ts'
import { type Emulation, type Fields, headersOf, picked, without } from '../contract.ts'

// What Envoy sends and does: source/extensions/filters/common/ext_authz/ext_authz_http_impl.cc of envoyproxy/envoy. The
// question has the method and the authority of the request, its path behind the prefix, the allowed fields, and no body.

export interface ExtAuthz {
  readonly pathPrefix: string
  /** Fields of the request that are asked with; `authorization` always is. */
  readonly asked: readonly string[]
  /** Fields that are asked with, whatever the client says. */
  readonly added: Readonly<Record<string, string>>
  readonly toUpstream: readonly string[]
  /** Undefined: all of a refusal goes back. */
  readonly toClient: readonly string[] | undefined
  /** Removed after the check. */
  readonly removed: readonly string[]
  /** What runs before. */
  readonly first?: (fields: Fields) => Promise<Fields>
}

const always = ['authorization']

let requests = 0

export function envoy(extAuthz: ExtAuthz): Emulation {
  const { pathPrefix, added, toUpstream, toClient, removed, first } = extAuthz
  const asked = new Set([...always, ...extAuthz.asked])
  return async ({ method, target, host, address, fields }, put) => {
    // At the edge Envoy writes these itself: use_remote_address, and a request id of its own.
    const own: Fields = [
      ['x-forwarded-for', address],
      ['x-forwarded-proto', 'https'],
      ['x-request-id', `envoy-${String(++requests).padStart(12, '0')}`],
    ]
    const names = new Set(own.map(([name]) => name))
    const begun = [...without(fields, name => names.has(name)), ...own]
    const left = first === undefined ? begun : await first(begun)
    const question = [
      ...left.filter(([name]) => asked.has(name.toLowerCase()) && added[name.toLowerCase()] === undefined),
      ...Object.entries(added),
    ].map(([name, value]) => [name, value === `\${HOLDFAST_CHECK_KEY}` ? checkKey : value] as const)
    const headers = { ...headersOf(question), host, 'content-length': '0' }
    const answer = await put({ method, path: `${pathPrefix}${target}`, headers })
    if (answer.status !== 200) {
      const back = toClient === undefined ? answer.headers : Object.fromEntries(picked(answer, toClient))
      return { isAllowed: false, status: answer.status, toClient: back }
    }
    const set = picked(answer, toUpstream)
    assert.equal(set.length, toUpstream.length)
    const gone = new Set([...removed, ...toUpstream])
    return { isAllowed: true, toApi: [...without(left, name => gone.has(name)), ...set] }
  }
}
