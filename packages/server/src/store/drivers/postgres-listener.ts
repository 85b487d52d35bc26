import { greetingMilliseconds, type Line, openLine, type Place, within } from './postgres-connection.ts'

const reconnectMilliseconds = 1000

export interface Listener {
  /** Listens from now on; again after a lost connection, and then tells once, because a notice may be lost. */
  readonly start: () => void
  readonly close: () => Promise<void>
}

/** One connection that does nothing but listen. */
export function listenTo(place: Place, channel: string, told: () => void): Listener {
  let line: Line | undefined
  let retry: NodeJS.Timeout | undefined
  let isStarted = false
  let isClosed = false
  let opening: Promise<void> = Promise.resolve()

  const open = async (): Promise<void> => {
    try {
      line = await openLine(place, told)
      await within(greetingMilliseconds, line.command(`listen ${channel}`))
      told()
    } catch {
      line?.cut()
    }
    if (!isClosed) retry = setTimeout(watch, reconnectMilliseconds).unref()
  }
  const watch = (): void => {
    if (isClosed) return
    if (line?.isOpen() === true) retry = setTimeout(watch, reconnectMilliseconds).unref()
    else opening = open()
  }
  return {
    start: () => {
      if (isStarted) return
      isStarted = true
      opening = open()
    },
    close: async () => {
      isClosed = true
      await opening
      clearTimeout(retry)
      if (line?.isOpen() === true) await line.end()
    },
  }
}
