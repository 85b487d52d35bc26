import { spawn } from 'node:child_process'
import { Gate } from '@holdfast/protocol/gate.ts'
import { type Entropy, Fault } from '../../ports.ts'
import { custodyFault, type DigestAlg, externalKeys, type SignDigest } from './external-key.ts'
import type { KeyCustody } from './key-custody.ts'

export interface Pkcs11Options {
  /** Shared library of the device's maker. It is loaded by `pkcs11-tool`, never into this process. */
  readonly modulePath: string
  readonly tokenLabel: string
  /** Read for every call, so that a new PIN needs no restart. */
  readonly readPin: () => Promise<string>
  /** `pkcs11-tool` of OpenSC. */
  readonly toolPath: string
  /** What the library wants in its environment; of ours it gets nothing but PATH. */
  readonly environment: Readonly<Record<string, string>>
  /** How many processes use the token at once. One unless its maker says more: SoftHSM2 writes its files at each login. */
  readonly processesMax: number
  readonly entropy: Entropy
}

const name = 'pkcs11'
const label = 'holdfast'
const deadlineMs = 5000
/** Making an RSA key takes a device some seconds. */
const makeDeadlineMs = 60_000
const outputBytesMax = 16_384
const waitingMax = 256

const keyTypes: Readonly<Record<DigestAlg, string>> = {
  ES256: 'EC:prime256v1',
  PS256: 'rsa:2048',
  RS256: 'rsa:2048',
}
/** DigestInfo of SHA-256 (RFC 8017 section 9.2): what PKCS #1 v1.5 signs is the digest and its name. */
const sha256Info = Buffer.from('3031300d060960864801650304020105000420', 'hex')
const pssParameters = ['--hash-algorithm', 'SHA256', '--mgf', 'MGF1-SHA256', '--salt-len', '32'] as const
const mechanisms: Readonly<Record<DigestAlg, readonly string[]>> = {
  ES256: ['ECDSA', '--signature-format', 'rs'],
  PS256: ['RSA-PKCS-PSS', ...pssParameters],
  RS256: ['RSA-PKCS'],
}

/**
 * Keys in a PKCS #11 device that never leave it, over `pkcs11-tool`: one short process for each signature, so that a
 * library that crashes or hangs takes nothing with it.
 */
export function pkcs11Keys(options: Pkcs11Options): KeyCustody {
  const gate = new Gate(options.processesMax, waitingMax)
  const call = async (what: readonly string[], input: Buffer, ms: number): Promise<Buffer> => {
    const answer = await gate.run(() => run(options, what, input, ms))
    if (answer === undefined) throw new Fault('keys.custody', { detail: 'too many wait' })
    return answer
  }
  const signer =
    (id: string): SignDigest =>
    (alg, digest) => {
      const input = alg === 'RS256' ? Buffer.concat([sha256Info, digest]) : digest
      return call(['--sign', '--id', id, '--mechanism', ...mechanisms[alg]], input, deadlineMs)
    }
  return externalKeys({
    name,
    make: async alg => {
      const id = options.entropy.bytes(16).toString('hex')
      const usage = ['--label', label, '--sensitive', '--usage-sign']
      await call(['--keypairgen', '--key-type', keyTypes[alg], '--id', id, ...usage], none, makeDeadlineMs)
      return { id, spki: await call(['--read-object', '--type', 'pubkey', '--id', id], none, deadlineMs) }
    },
    signer,
    destroy: async id => {
      for (const type of ['privkey', 'pubkey'])
        await call(['--delete-object', '--type', type, '--id', id], none, deadlineMs)
    },
  })
}

const none = Buffer.alloc(0)

const fault = (detail: string, cause?: unknown): Fault => custodyFault(name, detail, cause)

const pinVariable = 'HOLDFAST_PKCS11_PIN'

async function run(
  { modulePath, tokenLabel, readPin, toolPath, environment }: Pkcs11Options,
  what: readonly string[],
  input: Buffer,
  ms: number,
): Promise<Buffer> {
  const pin = await readPin().catch((cause: unknown) => {
    throw fault('the PIN cannot be read', cause)
  })
  const device = ['--module', modulePath, '--token-label', tokenLabel]
  // In the environment: the arguments of a process are for everybody to read.
  const login = ['--login', '--pin', `env:${pinVariable}`]
  const { PATH } = process.env
  const env = { ...(PATH !== undefined && { PATH }), ...environment, [pinVariable]: pin }
  return await new Promise<Buffer>((resolve, reject) => {
    const child = spawn(toolPath, [...device, ...login, ...what], { env, timeout: ms, killSignal: 'SIGKILL' })
    const chunks: Buffer[] = []
    let bytes = 0
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > outputBytesMax) child.kill('SIGKILL')
      else chunks.push(chunk)
    })
    // What a tool says there may hold anything; nothing of it is shown.
    child.stderr.resume()
    child.stdin.on('error', () => undefined)
    child.on('error', cause => reject(fault(`\`${toolPath}\` does not start`, cause)))
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(chunks))
      else reject(fault(`${what[0]} ended with ${signal ?? code}`))
    })
    child.stdin.end(input)
  })
}
