import { openLine, type Place } from './postgres-connection.ts'

/** Ends a store and everything in it: for those who made it to try something out. */
export async function dropPostgresSchema(place: Place): Promise<void> {
  const line = await openLine(place)
  try {
    await line.command('set statement_timeout = 60000')
    await line.command('set client_min_messages = warning')
    await line.command(`drop schema if exists "${place.schema}" cascade`)
  } finally {
    await line.end()
  }
}
