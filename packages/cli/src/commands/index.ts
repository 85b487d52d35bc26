import type { AddCommand } from '../command.ts'
import { addAdmin } from './admin.ts'
import { addApply } from './apply.ts'
import { addApprovals } from './approvals.ts'
import { addAudit } from './audit.ts'
import { addClients } from './clients.ts'
import { addConfig } from './config.ts'
import { addDemo } from './demo.ts'
import { addDoctor } from './doctor.ts'
import { addDrill } from './drill.ts'
import { addExplain } from './explain.ts'
import { addExport } from './export.ts'
import { addGateway } from './gateway.ts'
import { addGovern } from './govern.ts'
import { addKeys } from './keys.ts'
import { addMeasure } from './measure.ts'
import { addOnboard } from './onboard.ts'
import { addPolicy } from './policy.ts'
import { addRegistrationTokens } from './registration-tokens.ts'
import { addGrants, addTenants } from './revoke.ts'
import { addServe } from './serve.ts'
import { addUsers } from './users.ts'

/** The slot: a command is one file and one line here. Order is the order of the help. */
export const commands: readonly AddCommand[] = [
  addServe,
  addGateway,
  addDemo,
  addApply,
  addExport,
  addAdmin,
  addClients,
  addUsers,
  addGrants,
  addTenants,
  addRegistrationTokens,
  addKeys,
  addPolicy,
  addApprovals,
  addGovern,
  addOnboard,
  addMeasure,
  addDrill,
  addExplain,
  addAudit,
  addDoctor,
  addConfig,
]
