import { DatabaseSync } from 'node:sqlite'

/** Loaded before a server that is compared with the durable one: its embedded store does not wait for the disk. */
const { exec } = DatabaseSync.prototype
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
  exec.call(this, sql.replace('pragma synchronous = full', 'pragma synchronous = normal'))
}
