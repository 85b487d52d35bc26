import { createHmac } from 'node:crypto'
import type { HandleHash } from '@holdfast/protocol'
import { userCodeAlphabet, userCodeLength } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import type { Entropy, Ports } from '../../ports.ts'
import { hashOfHandle } from '../handle.ts'

/** Every letter equally likely: bytes beyond the last whole alphabet are thrown away. */
export function newUserCode(entropy: Entropy): string {
  const fair = 256 - (256 % userCodeAlphabet.length)
  let code = ''
  while (code.length < userCodeLength)
    for (const byte of entropy.bytes(16))
      if (byte < fair && code.length < userCodeLength)
        code += userCodeAlphabet.charAt(byte % userCodeAlphabet.length)
  return code
}

/** Keyed, because a code of eight letters could be found by trying them all. */
export function hashOfUserCode(ports: Ports, issuer: string, code: string): HandleHash {
  const digest = createHmac('sha256', ports.keys.secret(issuer, 'user-code')).update(code).digest('base64url')
  return hashOfHandle('user_code', issuer, digest)
}
