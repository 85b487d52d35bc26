'use strict'
// Plain CommonJS, loaded by the launcher before any module of ours.
const nodeModule = require('node:module')

const scope = '@holdfast/'

/**
 * Where a module of this checkout lies, by its name alone: what `exports` of our packages say, without asking each
 * folder on the way for its package.json. A start resolves some three thousand names.
 * @param packages URL of the folder of our packages, with a slash at its end
 * @returns undefined: not ours, or not by a name we use
 */
function ownModule(packages, specifier, parent) {
  if (parent === undefined || !parent.startsWith(packages) || parent.includes('/node_modules/'))
    return undefined
  if (specifier.startsWith('./') || specifier.startsWith('../'))
    return specifier.endsWith('.ts') ? new URL(specifier, parent).href : undefined
  if (!specifier.startsWith(scope)) return undefined
  const slash = specifier.indexOf('/', scope.length)
  if (slash === -1) return `${packages}${specifier.slice(scope.length)}/src/index.ts`
  if (!specifier.endsWith('.ts')) return undefined
  return `${packages}${specifier.slice(scope.length, slash)}/src${specifier.slice(slash)}`
}

/** From here on; in this thread. */
function resolveOwnModules(packages) {
  nodeModule.registerHooks?.({
    resolve: (specifier, context, next) => {
      const url = ownModule(packages, specifier, context.parentURL)
      return url === undefined
        ? next(specifier, context)
        : { url, format: 'module-typescript', shortCircuit: true }
    },
  })
}

module.exports = { ownModule, resolveOwnModules }
