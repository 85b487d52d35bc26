import type { Browser } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { serveRooms } from './serve-rooms.ts'
import { openWorld, type World, type WorldOptions } from './world.ts'

/** A world whose pages a real browser can open. */
export interface BrowsedWorld {
  readonly world: World
  readonly browser: Browser
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

export async function openBrowsedWorld(
  options: WorldOptions,
  args: readonly string[] = [],
): Promise<BrowsedWorld> {
  const world = await openWorld(options)
  const served = await serveRooms(world)
  const browser = await launchChromium(served.port, { args: [...args] })
  return {
    world,
    browser,
    [Symbol.asyncDispose]: async () => {
      await browser.close()
      await served.close()
      await world[Symbol.asyncDispose]()
    },
  }
}
