import { sign, verify } from 'node:crypto'
import { newKeys } from './client-kit.ts'

export interface RawCosts {
  /** CPU microseconds of one ES256 signature and one verification, cached key, raw `node:crypto`. */
  readonly signUs: number
  readonly verifyUs: number
}

const { privateKey, publicKey } = newKeys()
const data = Buffer.alloc(420, 7)
const signature = sign('sha256', data, privateKey)

/** What the requests' signatures cost by themselves on this machine, now. */
export function measureRawSignatures(rounds = 400): RawCosts {
  const cost = (work: () => void): number => {
    for (let round = 0; round < rounds / 8; round++) work()
    const before = process.cpuUsage()
    for (let round = 0; round < rounds; round++) work()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / rounds
  }
  return {
    signUs: cost(() => sign('sha256', data, privateKey)),
    verifyUs: cost(() => verify('sha256', data, publicKey, signature)),
  }
}
