import type { ResponseMode } from '../response-mode.ts'
import { formPost } from './form-post.ts'
import { fragment } from './fragment.ts'
import { query } from './query.ts'
import { formPostJwt, fragmentJwt, queryJwt } from './signed.ts'

const all: readonly ResponseMode[] = [query, fragment, formPost, queryJwt, fragmentJwt, formPostJwt]

const byName = new Map(all.map(mode => [mode.mode, mode]))

export function responseModeOf(name: ResponseMode['mode']): ResponseMode {
  const found = byName.get(name)
  if (found === undefined) throw new TypeError(`no file for the response mode \`${name}\``)
  return found
}
