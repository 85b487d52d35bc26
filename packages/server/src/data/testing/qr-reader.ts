import { createRequire } from 'node:module'
import type { Browser } from 'playwright-core'

/** What an independent reader sees in a picture; null: nothing. */
export type ReadQr = (
  pixels: Uint8ClampedArray,
  width: number,
  height: number,
) => { readonly data: string; readonly binaryData: readonly number[]; readonly version: number } | null

export const readQr = createRequire(import.meta.url)('jsqr') as ReadQr

interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: readonly number[]
}

/** Reads a code out of a screenshot: the browser decodes the picture, the reader the code. */
export async function readQrOf(browser: Browser, png: Buffer): Promise<string | undefined> {
  const page = await browser.newPage()
  const { width, height, data } = (await page.evaluate(`(async () => {
    const picture = await createImageBitmap(await (await fetch('data:image/png;base64,${png.toString('base64')}')).blob())
    const { width, height } = picture
    const drawing = new OffscreenCanvas(width, height).getContext('2d')
    drawing.drawImage(picture, 0, 0)
    return { width, height, data: [...drawing.getImageData(0, 0, width, height).data] }
  })()`)) as Pixels
  await page.close()
  return readQr(Uint8ClampedArray.from(data), width, height)?.data
}
