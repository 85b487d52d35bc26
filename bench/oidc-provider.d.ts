declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  /** The little of it that the benchmark and the oracle tests use. */
  const Provider: new (
    issuer: string,
    configuration: Record<string, unknown>,
  ) => {
    callback: () => (request: IncomingMessage, response: ServerResponse) => Promise<void>
    interactionFinished: (
      request: IncomingMessage,
      response: ServerResponse,
      result: Record<string, unknown>,
    ) => Promise<void>
  }

  // biome-ignore lint/style/noDefaultExport: the package has one
  export { Provider as default }
}
