import type { Refusal } from '../../refusal.ts'
import { firstRefusal } from '../../rule.ts'
import { httpsRedirectMetadataRules } from '../fapi1-baseline/metadata-rules.ts'
import { backchannelMetadataRules } from '../oidc-backchannel-logout/metadata-rules.ts'
import { frontchannelMetadataRules } from '../oidc-frontchannel-logout/metadata-rules.ts'
import { sectorMetadataRules } from '../oidc-registration/rules.ts'
import { postLogoutMetadataRules } from '../oidc-rp-logout/metadata-rules.ts'
import { cibaMetadataRules } from '../openid-ciba/metadata-rules.ts'
import { encryptionMetadataRules } from '../rfc7516-jwe/rules.ts'
import { requestUrisMetadataRules } from '../rfc9101-jar/request-uri-rules.ts'
import type { ClientMetadataInput } from './metadata.ts'
import { clientMetadataRules } from './rules.ts'

/** In the order in which they are judged; what other documents add to client metadata comes after. */
const everyRule = [
  ...clientMetadataRules,
  ...encryptionMetadataRules,
  ...httpsRedirectMetadataRules,
  ...postLogoutMetadataRules,
  ...backchannelMetadataRules,
  ...cibaMetadataRules,
  ...sectorMetadataRules,
  ...frontchannelMetadataRules,
  ...requestUrisMetadataRules,
]

/** The first rule that the metadata of a client breaks; `facts.field` names the member. */
export function judgeClientMetadata(input: ClientMetadataInput): Refusal | undefined {
  return firstRefusal(everyRule, input)
}

/** Every rule that the metadata breaks, for those who edit documents and want to mend all at once. */
export function allMetadataRefusals(input: ClientMetadataInput): readonly Refusal[] {
  return everyRule.flatMap(rule => firstRefusal([rule], input) ?? [])
}
