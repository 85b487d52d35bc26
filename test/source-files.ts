import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = dirname(dirname(fileURLToPath(import.meta.url)))

const passedOver = new Set(['node_modules', '.git', '.holdfast', 'coverage'])

export interface SourceFile {
  /** Path from the repository's root, with `/`. */
  readonly path: string
  readonly text: string
}

/** Every file below `folder` whose name ends with one of `endings`, sorted by path. */
export function sourceFiles(folder: string, endings: readonly string[]): readonly SourceFile[] {
  const found: SourceFile[] = []
  const walk = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (passedOver.has(entry.name)) continue
      const path = join(directory, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (endings.some(ending => entry.name.endsWith(ending)))
        found.push({ path: relative(root, path).split(sep).join('/'), text: readFileSync(path, 'utf8') })
    }
  }
  walk(join(root, folder))
  return found.toSorted((left, right) => (left.path < right.path ? -1 : 1))
}

export const isTest = (file: SourceFile): boolean =>
  /\.test\.tsx?$|\/testing\/|\/test\/|^test\/|^bench\/|^scripts\//.test(file.path)
