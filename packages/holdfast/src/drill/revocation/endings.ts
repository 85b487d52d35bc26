import { setTimeout as pause } from 'node:timers/promises'
import type { RevokeAccessRequest } from '@holdfast/server/control/admin-api.ts'
import type { Caller } from '../caller.ts'
import { type Resource, resources } from '../configs.ts'
import type { Cast } from '../documents.ts'
import type { DrillNode, System } from '../system.ts'
import { signIn } from './sign-in.ts'

export const endingKinds = ['token', 'grant', 'client', 'user', 'session'] as const
export type EndingKind = (typeof endingKinds)[number]

/** A token, and what ends its access; resolves when the end is acknowledged. */
export interface Ending {
  readonly kind: EndingKind
  readonly resource: Resource
  readonly token: string
  readonly end: () => Promise<void>
}

/** Whom a revocation of everything is for, one at a time: it would end what others hold. */
const poolSize = 16

export const cast: Cast = {
  shops: Array.from({ length: poolSize }, (_, index) => `shop-${index + 1}`),
  users: ['user', 'holder', 'visitor'].flatMap(role =>
    Array.from({ length: poolSize }, (_, index) => `${role}-${index + 1}`),
  ),
}

/** What ends in the turn of this number: mostly tokens, a fifth grants, and now and then everything of somebody. */
export function kindOf(turn: number): EndingKind {
  const of = turn % 200
  if (of === 7) return 'session'
  if (of % 100 === 31) return 'user'
  if (of % 100 === 67) return 'client'
  return of % 5 === 3 ? 'grant' : 'token'
}

/** Makes endings: everything by the product's own doors, token and end at different nodes. */
export class Endings {
  readonly #system: System
  readonly #caller: Caller
  readonly #shops: Pool
  readonly #users: Pool
  #turn = 0

  constructor(system: System, caller: Caller) {
    this.#system = system
    this.#caller = caller
    this.#shops = new Pool(cast.shops)
    this.#users = new Pool(cast.users.slice(0, poolSize))
  }

  async next(kind: EndingKind): Promise<Ending> {
    const turn = this.#turn++
    const { nodes, issuers } = this.#system
    const [issuer] = issuers
    if (issuer === undefined) throw new TypeError('a system has an issuer')
    const resource = resources[turn % resources.length] ?? 'accounts'
    const giving = nodes[turn % 2] ?? nodes[0]
    const taking = nodes[(turn >> 1) % 2] ?? nodes[0]
    const caller = this.#caller
    switch (kind) {
      case 'token': {
        const token = await caller.newToken(issuer, giving, resource)
        return { kind, resource, token, end: () => caller.revoke(issuer, taking, token) }
      }
      case 'grant': {
        const holder = `holder-${(turn % poolSize) + 1}`
        const { token, refreshToken } = await caller.askUser(issuer, giving, resource, holder)
        return { kind, resource, token, end: () => caller.revoke(issuer, taking, refreshToken, 'desk') }
      }
      case 'client': {
        const name = await this.#shops.take()
        const token = await caller.newToken(issuer, giving, resource, name)
        const end = (): Promise<void> => endAccess(taking, { of: 'client', name, issuer: issuer.name })
        return { kind, resource, token, end: () => end().finally(() => this.#shops.give(name)) }
      }
      case 'user': {
        const name = await this.#users.take()
        const { token } = await caller.askUser(issuer, giving, resource, name)
        const end = (): Promise<void> => endAccess(taking, { of: 'user', name, issuer: issuer.name })
        return { kind, resource, token, end: () => end().finally(() => this.#users.give(name)) }
      }
      case 'session': {
        const visitor = `visitor-${(turn % poolSize) + 1}`
        const { token, signOut } = await signIn(caller, { issuer, giving, taking, resource, visitor })
        return { kind, resource, token, end: signOut }
      }
      default:
        return kind satisfies never
    }
  }
}

async function endAccess({ admin }: DrillNode, request: RevokeAccessRequest): Promise<void> {
  const answer = await admin.revokeAccess(request)
  if (!answer.ok) throw new Error(JSON.stringify(answer.problem))
}

/** The end counts to the second: what somebody gets within the same one has ended, too. */
const restMs = 2000

class Pool {
  readonly #free: string[]

  constructor(names: readonly string[]) {
    this.#free = [...names]
  }

  async take(): Promise<string> {
    for (;;) {
      const name = this.#free.shift()
      if (name !== undefined) return name
      await pause(10)
    }
  }

  give(name: string): void {
    setTimeout(() => this.#free.push(name), restMs).unref()
  }
}
