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

export interface BrowsedWorldOptions {
  /** Of Chromium. */
  readonly args?: readonly string[]
  /** Whose pages are the world's, or those of a client. */
  readonly hosts?: readonly string[]
}

export async function openBrowsedWorld(
  options: WorldOptions,
  { args = [], hosts = ['as.example', 'client.example'] }: BrowsedWorldOptions = {},
): Promise<BrowsedWorld> {
  const world = await openWorld(options)
  const served = await serveRooms(world)
  const browser = await launchChromium({ args, served: { port: served.port, hosts } })
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
