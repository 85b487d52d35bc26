import type { Exchange, Reply } from '../http/exchange.ts'
import type { Ports } from '../ports.ts'

/** An endpoint: parse, load, judge, commit, render. */
export type Room = (exchange: Exchange, ports: Ports) => Promise<Reply>
