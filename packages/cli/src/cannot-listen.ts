import { createServer } from 'node:net'

/** Why nobody can listen there now; undefined: it can be done. */
export function cannotListen(host: string, port: number): Promise<string | undefined> {
  return new Promise(done => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      done(error.code === 'EADDRINUSE' ? 'another process uses it' : error.message),
    )
    server.listen(port, host, () => server.close(() => done(undefined)))
  })
}
