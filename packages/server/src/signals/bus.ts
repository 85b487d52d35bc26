/** What one node of an installation tells the others. It says that there is something to ask for, and never what. */
export type Signal = 'revision' | 'revocation'

/**
 * A way between nodes beside the store's own. Nothing rests on it: a signal that is lost, late, repeated or made up by
 * somebody else makes a node ask its store at another moment, and nothing more.
 */
export interface Bus {
  /** Tells the other nodes. Never waits and never throws. */
  readonly tell: (signal: Signal) => void
  /** Also told when the way was broken and is good again. @returns ends the telling */
  readonly onTold: (signal: Signal, told: () => void) => () => void
  readonly close: () => Promise<void>
}
