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

/** @returns undefined when answers are not signed @throws TypeError when the key cannot sign */
export function answerSignerOf({ signatures, externalUrl, clock }: Settings): AnswerSigner | undefined {
  const answers = signatures?.answers
  if (signatures === undefined || answers === undefined) return undefined
  const { privateKey, alg, kid } = answers
  // A key of another type is found out when the API starts, not with the first answer.
  signRaw(Buffer.alloc(1), privateKey, alg)
  return {
    bodyBytesMax: signatures.bodyBytesMax,
    headersOf: (request, { status, body }) => {
      const digest: [string, string][] =
        body.length === 0 ? [] : [[contentDigestHeader, contentDigestOf(body)]]
      const own = new Map(digest.map(([name, value]) => [name, [value]]))
      const signable: Signable = {
        message: responseMessage(status, name => own.get(name) ?? []),
        request: messageOf(request, externalUrl),
      }
      const params = new Map<string, BareItem>([
        ['created', { type: 'integer', value: clock.now() }],
        ['keyid', { type: 'string', value: kid }],
        ['tag', { type: 'string', value: responseTag }],
      ])
      const list: InnerList = { items: componentsOf(signable), params }
      const base = signatureBase(list, signable)
      if (base === undefined) throw new TypeError('a component of an answer is missing')
      const signature = signRaw(Buffer.from(base, 'latin1'), privateKey, alg).toString('base64')
      return [
        ...digest,
        [signatureInputHeader, `${label}=${serializeInnerList(list)}`],
        [signatureHeader, `${label}=:${signature}:`],
      ]
    },
  }
}

/** What is to be had: a request that was not signed, or had no digest, is bound by method and target. */
function componentsOf(signable: Signable): InnerList['items'] {
  const ofRequest = ['@method', '@target-uri', contentDigestHeader, signatureHeader, signatureInputHeader]
  return [
    component('@status'),
    component(contentDigestHeader),
    ...ofRequest.map(name => component(name, true)),
  ].filter(item => componentValue(item, signable) !== undefined)
}
