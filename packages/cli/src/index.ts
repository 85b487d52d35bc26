export { adminOverSocket, isServerThere } from './admin-client.ts'
export { adminOverHttps } from './admin-over-https.ts'
export { readAdminProfile } from './admin-profile.ts'
export { cannotListen } from './cannot-listen.ts'
export { type Catalogue, type KnownClause, type KnownRule, readCatalogue } from './catalogue.ts'
export type {
  AdminConnection,
  Composition,
  Configuration,
  ConfigurationAnswer,
  DrillPlan,
  DrillReport,
  GatewayCommandOptions,
  RevocationDrillOptions,
  RotationDrillOptions,
  ServeOptions,
} from './composition.ts'
export { type DemoKit, type DemoKitClient, demoKitFile, readDemoKit } from './demo-kit.ts'
export { exitCodes } from './exit-codes.ts'
export { runCommandLine } from './program.ts'
export { openTerminal, type Terminal } from './terminal.ts'
