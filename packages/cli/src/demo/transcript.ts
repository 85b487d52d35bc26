/** What a run of the demo saw, fit to be printed: every credential in it is abbreviated. */
export interface Transcript {
  readonly issuer: string
  readonly client: string
  readonly binding: string
  readonly steps: readonly Step[]
  readonly attacks: readonly Attack[]
  /** Everything that was not as expected; empty is success. */
  readonly differences: readonly string[]
}

/** One step of the chain, in the numbers of the picture in the README. */
export interface Step {
  readonly number: number
  readonly title: string
  readonly says: string
  readonly messages: readonly Message[]
  readonly notes: readonly string[]
}

/** Values are abbreviated already. A step may show one half of an exchange, and the next step the other. */
export interface Message {
  readonly request?: {
    readonly method: string
    readonly url: string
    readonly lines: readonly Line[]
  }
  readonly answer?: { readonly status: number; readonly lines: readonly Line[] }
}

export interface Line {
  readonly name: string
  readonly value: string
  /** What is inside, for signed values. */
  readonly inside?: string
}

export interface Expected {
  readonly status: number
  readonly error: string
  readonly ruleId: string
}

export type Act = 'token' | 'code' | 'assertion' | 'downgrade'

/** One thing a thief tried, and how it was refused. */
export interface Attack {
  readonly id: string
  readonly act: Act
  readonly title: string
  readonly expected: Expected
  readonly message: Message
  readonly status: number
  readonly error: string
  readonly reference: string
  readonly ruleId: string
  /** Empty for a refusal that a room makes itself. */
  readonly ruleTitle: string
  readonly clauses: readonly { readonly id: string; readonly says: string }[]
  readonly reason: string
  readonly record: {
    readonly event: string
    readonly outcome: string
    readonly chain: string
    readonly sequence: number
    readonly hash: string
  }
  /** What it did to the honest client, when it did anything. */
  readonly aftermath: readonly Aftermath[]
  readonly asExpected: boolean
}

export interface Aftermath {
  readonly says: string
  readonly expected: string
  readonly seen: string
}
