import type { CustodyChoice } from '@holdfast/server/control/bootstrap/custody.ts'
import { awsKmsKeys } from '@holdfast/server/keys/custody/aws-kms.ts'
import type { KeyCustody } from '@holdfast/server/keys/custody/key-custody.ts'
import { pkcs11Keys } from '@holdfast/server/keys/custody/pkcs11.ts'
import type { AwsCredentials } from '@holdfast/server/keys/custody/sigv4.ts'
import { softwareKeys, softwareKeysAhead } from '@holdfast/server/keys/custody/software-keys.ts'
import { openOutbound } from '@holdfast/server/outbound/client.ts'
import type { Clock, Entropy } from '@holdfast/server/ports.ts'
import { readSecret } from './reach.ts'

export interface OpenCustody {
  readonly keyCustody: KeyCustody
  readonly close: () => Promise<void>
}

/**
 * The custody that the configuration names. No device is asked yet: a server that starts makes its first keys.
 * @param isNew whether this store never held anything, so that keys will be asked for in a moment
 */
export function openKeyCustody(
  choice: CustodyChoice,
  { clock, entropy }: { readonly clock: Clock; readonly entropy: Entropy },
  isNew: boolean,
): OpenCustody {
  switch (choice.kind) {
    case 'software':
      return { keyCustody: isNew ? softwareKeysAhead() : softwareKeys, close: async () => undefined }
    case 'pkcs11': {
      const { modulePath, tokenLabel, environment, tool: toolPath, pinFile, processesMax } = choice
      const readPin = (): Promise<string> => readSecret(pinFile)
      const options = { modulePath, tokenLabel, environment, toolPath, processesMax, readPin, entropy }
      return { keyCustody: pkcs11Keys(options), close: async () => undefined }
    }
    case 'aws-kms': {
      const { region, endpoint } = choice
      const outbound = openOutbound()
      const readCredentials = (): Promise<AwsCredentials> => credentialsIn(choice)
      const keyCustody = awsKmsKeys({ region, endpoint, readCredentials, outbound, clock })
      return { keyCustody, close: outbound.close }
    }
    default:
      return choice satisfies never
  }
}

async function credentialsIn({
  accessKeyIdFile,
  secretAccessKeyFile,
  sessionTokenFile,
}: Extract<CustodyChoice, { kind: 'aws-kms' }>): Promise<AwsCredentials> {
  const [accessKeyId, secretAccessKey] = await Promise.all([
    readSecret(accessKeyIdFile),
    readSecret(secretAccessKeyFile),
  ])
  const sessionToken = sessionTokenFile === undefined ? undefined : await readSecret(sessionTokenFile)
  return { accessKeyId, secretAccessKey, sessionToken }
}
