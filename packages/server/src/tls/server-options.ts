export { askForCertificate, tlsFloor } from '@holdfast/protocol/wire/tls-floor.ts'
