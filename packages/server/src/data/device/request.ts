import { firstRefusal, type Outcome } from '@holdfast/protocol'
import { deviceRequestRules } from '@holdfast/protocol/specs/rfc8628-device/rules.ts'
import type { Client, IssuerSnapshot } from '../../snapshot/snapshot.ts'
import { type AccessElsewhere, type AskedElsewhere, judgeElsewhere } from '../authorize/asked-elsewhere.ts'

/** What a device may have of the user who types its code (RFC 8628 section 3.1). */
export function judgeDeviceRequest(
  asked: AskedElsewhere,
  client: Client,
  issuer: IssuerSnapshot,
): Outcome<AccessElsewhere> {
  return judgeElsewhere(asked, client, issuer, asking => firstRefusal(deviceRequestRules, asking))
}
