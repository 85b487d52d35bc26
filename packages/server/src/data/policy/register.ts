import type { RegisterQuestion } from '@holdfast/policy'
import type { EpochSeconds, Refusal } from '@holdfast/protocol'
import type { Exchange } from '../../http/exchange.ts'
import type { Client, RegisteredClient } from '../../snapshot/snapshot.ts'
import type { Write } from '../../store/writes.ts'
import { type Asking, askPolicies, recordsOf } from './ask.ts'
import { refusalOf } from './refusals.ts'

/** A client that registers itself, and what it would be. */
export interface Registering {
  readonly registered: RegisteredClient
  readonly compiled: Client
  readonly now: EpochSeconds
}

/** Whether a client may be what it registers; the record goes into the commit of the registration. */
export type Registerable =
  | { readonly ok: true; readonly writes: readonly Write[] }
  | { readonly ok: false; readonly refusal: Refusal; readonly writes: readonly Write[] }

/** May this client register itself so? Asked for every registration and every update of one. */
export async function judgeRegistration(
  registering: Registering,
  exchange: Exchange,
  asking: Asking,
): Promise<Registerable> {
  const answered = await askPolicies(questionOf(registering, exchange), exchange, asking)
  // Nobody is signed in here: what would need a stronger authentication is refused.
  const refusal = refusalOf(answered, undefined, [])
  const writes = recordsOf(answered, refusal === undefined, {}, exchange)
  return refusal === undefined ? { ok: true, writes } : { ok: false, refusal, writes }
}

function questionOf({ registered, compiled, now }: Registering, { issuer }: Exchange): RegisterQuestion {
  const { clientId, isPublic, tokenEndpointAuthMethod: authMethod, profile } = compiled
  const { environment } = issuer
  return {
    moment: 'register',
    client: { clientId, isPublic, isSelfRegistered: true, authMethod, profile: profile.name },
    asked: {
      ...{ environment, time: now, tier: profile.name },
      ...{ scopes: compiled.scopes, resources: compiled.resources },
      detailsTypes: compiled.authorizationDetailsTypes,
    },
    grantTypes: compiled.grantTypes,
    redirectHosts: [...new Set(compiled.redirectUris.map(hostOf))],
    hasSoftwareStatement: registered.softwareStatement !== undefined,
    ...{ initialToken: registered.token, isUpdate: issuer.registered.has(clientId) },
  }
}

/** Host, or for a URI of an application its scheme. */
function hostOf(uri: string): string {
  const { host, protocol } = new URL(uri)
  return host === '' ? protocol : host
}
