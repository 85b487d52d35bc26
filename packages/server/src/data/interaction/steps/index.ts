import type { InteractionStep } from '../step.ts'
import { approvals } from './approvals.ts'
import { confirm } from './confirm.ts'
import { consent } from './consent.ts'
import { login } from './login.ts'
import { secondFactor } from './second-factor.ts'

/** In the order they are taken; the last one issues the code, unless nobody asked for one. */
export const interactionSteps: readonly InteractionStep[] = [confirm, login, secondFactor, approvals, consent]
