import { signRaw } from '@holdfast/protocol/jose/sign.ts'
import { responseTag } from '@holdfast/protocol/specs/fapi2-http-signatures/rules.ts'
import {
  signatureHeader,
  signatureInputHeader,
} from '@holdfast/protocol/specs/rfc9421-http-signatures/rules.ts'
import {
  component,
  componentValue,
  responseMessage,
  type Signable,
  signatureBase,
} from '@holdfast/protocol/specs/rfc9421-http-signatures/signature-base.ts'
import {
  contentDigestHeader,
  contentDigestOf,
} from '@holdfast/protocol/specs/rfc9530-content-digest/rules.ts'
import {
  type BareItem,
  type InnerList,
  serializeInnerList,
} from '@holdfast/protocol/wire/structured-field.ts'
import type { Settings } from './options.ts'
import type { ApiRequest } from './request.ts'
import { messageOf } from './signed-request.ts'

/** An answer, whole. */
export interface AnswerToSign {
  readonly status: number
  /** Empty when there is none: also to HEAD, and with 204 and 304. */
  readonly body: Uint8Array
  /** All values of a field of the answer by lower-case name. */
  readonly field: (name: string) => readonly string[]
}

export interface AnswerSigner {
  /** Longest body that is signed. */
  readonly bodyBytesMax: number
  /** The fields that make an answer a signed one. They replace what an API set under these names. */
  readonly headersOf: (
    request: ApiRequest,
    answer: AnswerToSign,
  ) => readonly (readonly [name: string, value: string])[]
}

const label = 'answer'

/** Fields of an answer that change what it means. */
const signedFields: readonly string[] = ['content-type', 'location']

/** @returns undefined when answers are not signed @throws TypeError when the key cannot sign */
export function answerSignerOf({ signatures, externalUrl, clock }: Settings): AnswerSigner | undefined {
  const answers = signatures?.answers
  if (signatures === undefined || answers === undefined) return undefined
  const { privateKey, alg, kid, fields = signedFields } = answers
  // A key of another type is found out when the API starts, not with the first answer.
  signRaw(Buffer.alloc(1), privateKey, alg)
  return {
    bodyBytesMax: signatures.bodyBytesMax,
    headersOf: (request, { status, body, field }) => {
      const digest: [string, string][] =
        body.length === 0 ? [] : [[contentDigestHeader, contentDigestOf(body)]]
      const own = new Map(digest.map(([name, value]) => [name, [value]]))
      const signable: Signable = {
        message: responseMessage(status, name => own.get(name) ?? field(name)),
        request: messageOf(request, externalUrl),
      }
      const params = new Map<string, BareItem>([
        ['created', { type: 'integer', value: clock.now() }],
        ['keyid', { type: 'string', value: kid }],
        ['tag', { type: 'string', value: responseTag }],
      ])
      const list: InnerList = { items: componentsOf(signable, fields), params }
      const base = signatureBase(list, signable)
      if (base === undefined) throw new TypeError('a field of the answer cannot be signed')
      const signature = signRaw(Buffer.from(base, 'latin1'), privateKey, alg).toString('base64')
      return [
        ...digest,
        [signatureInputHeader, `${label}=${serializeInnerList(list)}`],
        [signatureHeader, `${label}=:${signature}:`],
      ]
    },
  }
}

/** What an answer must say, what it says of the named fields, and what is to be had of the request it answers. */
function componentsOf(signable: Signable, fields: readonly string[]): InnerList['items'] {
  const ofRequest = ['@method', '@target-uri', contentDigestHeader, signatureHeader, signatureInputHeader]
  const present = [contentDigestHeader, ...fields].filter(name => signable.message.field(name).length > 0)
  return [
    component('@status'),
    ...present.map(name => component(name)),
    // A request that was not signed, or had no digest, is bound by method and target.
    ...ofRequest
      .map(name => component(name, true))
      .filter(item => componentValue(item, signable) !== undefined),
  ]
}
