import type { Form } from '@holdfast/protocol/wire/form.ts'
import type { Reply } from '../../http/exchange.ts'
import type { Ports } from '../../ports.ts'
import type { Visit } from './visit.ts'

/** One thing a user does on the way from request to code. A step never redirects to a step out of order: the room does. */
export interface InteractionStep {
  /** As in the URL, and in the CSRF token. */
  readonly name: string
  readonly isNeeded: (visit: Visit) => boolean
  readonly show: (visit: Visit, ports: Ports) => Reply | Promise<Reply>
  /** The CSRF token of the step was already judged. */
  readonly answer: (visit: Visit, form: Form, ports: Ports) => Promise<Reply>
}
