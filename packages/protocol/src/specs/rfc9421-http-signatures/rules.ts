import type { JwsAlg } from '../../profile.ts'
import { accept, type Outcome } from '../../refusal.ts'
import { fail, firstRefusal, pass, type Rule, type Verdict } from '../../rule.ts'
import {
  type BareItem,
  type Dictionary,
  type InnerList,
  isInnerList,
  parseDictionary,
  serializeItem,
} from '../../wire/structured-field.ts'
import { componentValue, type Signable } from './signature-base.ts'

/** Fields of a signed message. */
export const signatureHeader = 'signature'
export const signatureInputHeader = 'signature-input'

const reject = (reason: string): Verdict => fail('invalid_request', reason)

/** The two fields of a signed message, and which of its signatures is asked for. */
export interface SignatureFieldsInput {
  readonly inputs: Dictionary | undefined
  readonly signatures: Dictionary | undefined
  /** Value of `tag`: what the signature is for. Signatures with another one are somebody else's. */
  readonly tag: string
}

/** The two fields, before anything is looked up. */
export const signatureFieldRules: readonly Rule<SignatureFieldsInput>[] = [
  {
    id: 'http-signature.fields',
    clauses: ['RFC9421-4', 'FAPI2-HTTPSIG-5.3.1.2-3'],
    level: 'MUST',
    title: '`Signature-Input` and `Signature` are there, and are dictionaries',
    check: ({ inputs, signatures }) =>
      inputs !== undefined && inputs.size > 0 && signatures !== undefined
        ? pass
        : reject('`Signature-Input` or `Signature` is missing or no dictionary'),
  },
  {
    id: 'http-signature.tag',
    clauses: ['RFC9421-2.3', 'FAPI2-HTTPSIG-5.3.1.2-4'],
    level: 'MUST',
    title: 'one signature, and only one, is for this purpose',
    check: ({ inputs, tag }) => {
      const { length } = labelsOf(inputs, tag)
      return length === 1 ? pass : reject(`${length} signatures have the tag \`${tag}\``)
    },
  },
  {
    id: 'http-signature.label',
    clauses: ['RFC9421-4.2'],
    level: 'MUST',
    title: 'the signature stands under the label of its input, as bytes',
    check: ({ inputs, signatures, tag }) =>
      bytesOf(signatures, labelsOf(inputs, tag)[0]) === undefined
        ? reject('`Signature` has no bytes under the label of `Signature-Input`')
        : pass,
  },
]

function labelsOf(inputs: Dictionary | undefined, tag: string): readonly string[] {
  return [...(inputs ?? [])].flatMap(([label, { params }]) =>
    params.get('tag')?.value === tag ? [label] : [],
  )
}

function bytesOf(signatures: Dictionary | undefined, label = ''): Buffer | undefined {
  const member = signatures?.get(label)
  if (member === undefined || isInnerList(member) || member.item.type !== 'bytes') return undefined
  return member.item.value
}

/** One signature, with what it says about itself. */
export interface SignatureInput {
  readonly list: InnerList
  readonly signable: Signable
}

/** Types of the parameters that are registered (RFC 9421 section 6.3.2). */
const parameterTypes: ReadonlyMap<string, BareItem['type']> = new Map([
  ['alg', 'string'],
  ['created', 'integer'],
  ['expires', 'integer'],
  ['keyid', 'string'],
  ['nonce', 'string'],
  ['tag', 'string'],
])

/** Most components one signature covers. */
const componentsMax = 32

export const signatureInputRules: readonly Rule<SignatureInput>[] = [
  {
    id: 'http-signature.parameters',
    clauses: ['RFC9421-2.3'],
    level: 'MUST',
    title: 'every parameter is a registered one, and of its type',
    check: ({ list: { params } }) => {
      const wrong = [...params].find(([name, { type }]) => parameterTypes.get(name) !== type)
      return wrong === undefined ? pass : reject(`parameter \`${wrong[0]}\` is unknown or of another type`)
    },
  },
  {
    id: 'http-signature.components',
    clauses: ['RFC9421-2', 'RFC9421-2.5'],
    level: 'MUST',
    title: 'each component is named once, in lower case, with no parameter but `req`',
    check: ({ list: { items } }) => {
      const isOne = new Set(items.map(serializeItem)).size === items.length && items.length <= componentsMax
      return isOne && items.every(isPlain)
        ? pass
        : reject('a component is named twice or in a form not read here')
    },
  },
  {
    id: 'http-signature.values',
    clauses: ['RFC9421-2.5-1'],
    level: 'MUST',
    title: 'the message has every component that is covered, as one line',
    check: ({ list: { items }, signable }) =>
      items.every(item => componentValue(item, signable) !== undefined)
        ? pass
        : reject('a covered component is not in the message'),
  },
]

function isPlain({ item, params }: InnerList['items'][number]): boolean {
  const isNamed = item.type === 'string' && /^@?[a-z0-9!#$%&'*+\-.^_`|~]+$/.test(item.value)
  return isNamed && [...params].every(([name, { value }]) => name === 'req' && value === true)
}

/** One signature, judged by form alone. */
export interface ParsedSignature {
  readonly list: InnerList
  readonly signature: Buffer
  /** What is covered, as it stands in the list: `"@method"`, `"@method";req`. */
  readonly covered: ReadonlySet<string>
  readonly created: number | undefined
  readonly expires: number | undefined
  readonly keyid: string | undefined
  readonly alg: string | undefined
}

/** The signature of a message that has this tag. */
export function parseSignature(signable: Signable, tag: string): Outcome<ParsedSignature> {
  const dictionaryOf = (name: string): Dictionary | undefined =>
    parseDictionary(signable.message.field(name).join(', '))
  const fields = {
    inputs: dictionaryOf(signatureInputHeader),
    signatures: dictionaryOf(signatureHeader),
    tag,
  }
  const unread = firstRefusal(signatureFieldRules, fields)
  if (unread !== undefined) return unread
  const [label = ''] = labelsOf(fields.inputs, tag)
  const list = listOf(fields.inputs?.get(label))
  const unclear = firstRefusal(signatureInputRules, { list, signable })
  if (unclear !== undefined) return unclear
  const { params } = list
  return accept({
    list,
    signature: bytesOf(fields.signatures, label) ?? Buffer.alloc(0),
    covered: new Set(list.items.map(serializeItem)),
    created: params.get('created')?.value as number | undefined,
    expires: params.get('expires')?.value as number | undefined,
    keyid: params.get('keyid')?.value as string | undefined,
    alg: params.get('alg')?.value as string | undefined,
  })
}

/** What is no list covers nothing, and is refused where coverage is judged. */
function listOf(member: ReturnType<Dictionary['get']>): InnerList {
  return member !== undefined && isInnerList(member)
    ? member
    : { items: [], params: member?.params ?? new Map() }
}

/** Names of `alg` (RFC 9421 section 6.2) for algorithms of JWS that are the same thing. */
const algNames: Readonly<Partial<Record<JwsAlg, string>>> = {
  ES256: 'ecdsa-p256-sha256',
  EdDSA: 'ed25519',
  Ed25519: 'ed25519',
}

export interface SignatureKeyInput {
  /** What the signature says. */
  readonly alg: string | undefined
  /** What the key is registered for. */
  readonly keyAlg: JwsAlg
  readonly expires: number | undefined
  readonly now: number
}

/** The key is known: whether the signature may be of it. */
export const signatureKeyRules: readonly Rule<SignatureKeyInput>[] = [
  {
    id: 'http-signature.alg',
    clauses: ['RFC9421-3.2', 'RFC9421-3.3.7'],
    level: 'MUST',
    title: 'the algorithm is the one of the key, whatever the signature says',
    check: ({ alg, keyAlg }) =>
      alg === undefined || alg === algNames[keyAlg] ? pass : reject(`\`alg\` is not that of the key`),
  },
  {
    id: 'http-signature.expires',
    clauses: ['RFC9421-2.3-1'],
    level: 'MUST',
    title: 'a signature that says when it ends has not ended',
    check: ({ expires, now }) =>
      expires === undefined || now < expires ? pass : reject('the signature expired'),
  },
]
