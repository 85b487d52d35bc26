import { metadataDefaults } from '@holdfast/protocol/specs/rfc7591-client-metadata/metadata.ts'
import type { Exchange } from '../../http/exchange.ts'
import { paths } from '../paths.ts'
import type { Registered } from './turn.ts'

/** Where a client manages itself. */
export function configurationUri({ issuer }: Exchange, clientId: string): string {
  return issuer.url + paths.registered.replace(':id', clientId)
}

/** Everything that is registered, defaults included (RFC 7591 section 3.2.1, RFC 7592 section 3). */
export function informationOf(
  exchange: Exchange,
  { client, compiled }: Registered,
  registrationAccessToken: string,
): Readonly<Record<string, unknown>> {
  const { clientId, metadata, localized, registeredAt, softwareStatement } = client
  const { authMethod, grantTypes, responseTypes } = metadataDefaults(metadata)
  return {
    client_id: clientId,
    client_id_issued_at: registeredAt,
    application_type: 'web',
    subject_type: 'public',
    ...(compiled && { id_token_signed_response_alg: compiled.idTokenSignedResponseAlg }),
    ...metadata,
    ...localized,
    token_endpoint_auth_method: authMethod,
    grant_types: grantTypes,
    response_types: responseTypes,
    ...(softwareStatement !== undefined && { software_statement: softwareStatement }),
    registration_access_token: registrationAccessToken,
    registration_client_uri: configurationUri(exchange, clientId),
  }
}
