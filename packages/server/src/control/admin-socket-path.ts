import { relative, resolve } from 'node:path'
import { Fault } from '../ports.ts'

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, the closing zero included. */
const pathBytesMax = 103

/**
 * The address of the admin socket: the shorter of the absolute and the relative path, because the operating
 * system bounds it.
 * @throws Fault `admin.path` when both are too long
 */
export function adminSocketPath(dataFolder: string, cwd: string): string {
  const absolute = resolve(dataFolder, 'admin.sock')
  const nearby = relative(cwd, absolute)
  const path = Buffer.byteLength(nearby) < Buffer.byteLength(absolute) ? nearby : absolute
  if (Buffer.byteLength(path) > pathBytesMax)
    throw new Fault('admin.path', {
      detail: `\`${absolute}\` is too long for a socket; set HOLDFAST_DATA_DIR`,
    })
  return path
}
