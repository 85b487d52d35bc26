import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bed } from '../../testing/bed.ts'

/** A real proxy with the configuration we ship, between the client of a bed and its API. */
export interface RunningProxy {
  /** What it wrote to its outputs, for a failing test. */
  readonly output: () => string
  readonly close: () => Promise<void>
}

export interface ProxyKind {
  readonly name: string
  /** Undefined when it is there; else why its tests are skipped. */
  readonly missing: string | undefined
  /** @param edit changes what we ship, for a test of what happens then */
  readonly start: (bed: Bed, edit?: (text: string) => string) => Promise<RunningProxy>
}

const examples = join(import.meta.dirname, '../../../../../examples/gateways')

interface Files {
  readonly folder: string
  readonly bed: Bed
  /** A file we ship, with its made-up names and places replaced by those of the bed; each must be in it. */
  readonly shipped: (name: string, replaced: Readonly<Record<string, string>>) => string
}

interface Recipe {
  readonly name: string
  readonly binary: string
  /** Further files without which it cannot run. */
  readonly needs?: readonly string[]
  /** Writes the configuration. @returns arguments of the binary */
  readonly configure: (files: Files) => readonly string[]
}

const nginxModules = '/usr/lib/nginx/modules/ngx_http_js_module.so'

/** What differs between the two configurations of NGINX is which file is read. */
function nginxRecipe(name: string, file: string, needs: readonly string[]): Recipe {
  return {
    ...{ name, needs, binary: '/usr/sbin/nginx' },
    configure: ({ folder, bed, shipped }) => {
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map(kind => `${kind}_temp_path ${folder}/${kind};`)
        .join(' ')
      if (needs.length > 0) shipped('nginx/holdfast.js', {})
      shipped(file, {
        ...(needs.length > 0 && { '/etc/holdfast/holdfast.js': join(folder, 'nginx/holdfast.js') }),
        'worker_processes auto;': 'worker_processes 1; user root;',
        'http {': `http { access_log off; ${temporary}`,
        'listen 443 ssl': `listen 127.0.0.1:${bed.port} ssl`,
        'api.example': 'localhost',
        'holdfast.internal:8450': `127.0.0.1:${bed.checkPort}`,
        'accounts.internal:8443': `localhost:${bed.api.port}`,
        'proxy_ssl_name accounts.internal': 'proxy_ssl_name localhost',
        'proxy_ssl_name holdfast.internal': 'proxy_ssl_name localhost',
      })
      const directives = `daemon off; pid ${folder}/pid; error_log stderr;`
      return ['-e', 'stderr', '-p', folder, '-c', join(folder, file), '-g', directives]
    },
  }
}

const recipes: readonly Recipe[] = [
  nginxRecipe('NGINX', 'nginx/nginx.conf', []),
  nginxRecipe('NGINX with njs', 'nginx/nginx-njs.conf', [nginxModules]),
  {
    name: 'Caddy',
    binary: '/usr/bin/caddy',
    configure: ({ folder, bed, shipped }) => {
      const path = shipped('caddy/Caddyfile', {
        'servers {': `admin off\n\tauto_https disable_redirects\n\tstorage file_system ${folder}/caddy-data\n\tservers {`,
        'api.example {': `https://localhost:${bed.port} {\n\tbind 127.0.0.1`,
        'holdfast.internal:8450': `127.0.0.1:${bed.checkPort}`,
        'accounts.internal:8443': `localhost:${bed.api.port}`,
        'tls_server_name holdfast.internal': 'tls_server_name localhost',
        'tls_server_name accounts.internal': 'tls_server_name localhost',
      })
      return ['run', '--config', path, '--adapter', 'caddyfile']
    },
  },
  {
    name: 'HAProxy',
    binary: '/usr/sbin/haproxy',
    configure: ({ folder, bed, shipped }) => {
      shipped('haproxy/holdfast.lua', { 'abns@holdfast': `abns@holdfast-${bed.port}` })
      const path = shipped('haproxy/haproxy.cfg', {
        '/etc/holdfast/holdfast.lua': join(folder, 'haproxy/holdfast.lua'),
        'bind :443': `bind 127.0.0.1:${bed.port}`,
        'abns@holdfast': `abns@holdfast-${bed.port}`,
        'holdfast.internal:8450': `127.0.0.1:${bed.checkPort}`,
        'verifyhost holdfast.internal': 'verifyhost localhost',
        'accounts.internal:8443': `localhost:${bed.api.port}`,
        'verifyhost accounts.internal': 'verifyhost localhost',
      })
      return ['-db', '-f', path]
    },
  },
]

export const proxies: readonly ProxyKind[] = recipes.map(recipe => {
  const absent = [recipe.binary, ...(recipe.needs ?? [])].find(path => !existsSync(path))
  return {
    name: recipe.name,
    missing: absent === undefined ? undefined : `there is no ${absent}`,
    start: (bed, edit = text => text) => startProxy(recipe, bed, edit),
  }
})

async function startProxy(
  { name, binary, configure }: Recipe,
  bed: Bed,
  edit: (text: string) => string,
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'hf-proxy-'))
  const { server, caPem } = bed.ca
  const { certPem, keyPem } = bed.proxyCertificate
  const files: Readonly<Record<string, string>> = {
    'server.pem': server.certPem,
    'server.key': server.keyPem,
    'server.combined.pem': server.certPem + server.keyPem,
    'proxy.pem': certPem,
    'proxy.key': keyPem,
    'proxy.combined.pem': certPem + keyPem,
    'ca.pem': caPem,
  }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text, { mode: 0o600 })
  const shipped = (file: string, replaced: Readonly<Record<string, string>>): string => {
    let text = edit(readFileSync(join(examples, file), 'utf8'))
    for (const [from, to] of Object.entries(replaced)) {
      assert.ok(text.includes(from), `${file} has no \`${from}\``)
      text = text.replaceAll(from, to)
    }
    const path = join(folder, file)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text.replaceAll('/etc/holdfast', folder))
    return path
  }
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const child = spawn(binary, configure({ folder, bed, shipped }), { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      output += String(chunk)
    })
  const close = async (): Promise<void> => {
    await stop(child)
    rmSync(folder, { recursive: true, force: true })
  }
  if (!(await isListening(bed.port, child))) {
    await close()
    throw new Error(`${name} did not start: ${output}`)
  }
  return { output: () => output, close }
}

/** Whether a program takes connections at a port; waits until it does or has ended. */
export async function isListening(port: number, child: ChildProcess): Promise<boolean> {
  for (let turn = 0; turn < 600 && child.exitCode === null; turn++) {
    const socket = connect({ host: '127.0.0.1', port })
    const isOpen = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return true
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return false
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 3000)
  await ended
  clearTimeout(late)
}
