import assert from 'node:assert/strict'

/**
 * An AuthZEN 1.0 client written from the specification alone: it knows paths, messages and status codes, and nothing of
 * the decision point it talks to.
 */
export interface AuthzenClient {
  readonly metadata: () => Promise<Readonly<Record<string, unknown>>>
  readonly evaluation: (body: object) => Promise<boolean>
  readonly evaluations: (body: object) => Promise<readonly boolean[]>
  /** Every result of a search, page after page. */
  readonly search: (searchFor: 'subject' | 'resource' | 'action', body: object) => Promise<readonly string[]>
  readonly post: (
    path: string,
    body: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<AuthzenAnswer>
}

export interface AuthzenAnswer {
  readonly status: number
  readonly header: (name: string) => string | null
  readonly json: unknown
}

export type Send = (path: string, init: RequestInit) => Promise<Response>

/** @param send sends a request to the decision point with this client's authentication */
export function authzenClient(send: Send): AuthzenClient {
  const post: AuthzenClient['post'] = async (path, body, headers = {}) => {
    const response = await send(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await response.text()
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
    return { status: response.status, header: name => response.headers.get(name), json: JSON.parse(text) }
  }
  const ok = async (path: string, body: object): Promise<Readonly<Record<string, unknown>>> => {
    const { status, json } = await post(path, body)
    assert.equal(status, 200, JSON.stringify(json))
    assert.ok(typeof json === 'object' && json !== null && !Array.isArray(json))
    return json as Readonly<Record<string, unknown>>
  }
  return {
    post,
    metadata: async () => {
      const response = await send('/.well-known/authzen-configuration', { method: 'GET' })
      assert.equal(response.status, 200)
      return (await response.json()) as Readonly<Record<string, unknown>>
    },
    evaluation: async body => {
      const { decision } = await ok('/access/v1/evaluation', body)
      assert.equal(typeof decision, 'boolean')
      return decision as boolean
    },
    evaluations: async body => {
      const { evaluations, decision } = await ok('/access/v1/evaluations', body)
      assert.equal(decision, undefined, 'a decision stands beside the evaluations')
      assert.ok(Array.isArray(evaluations))
      return evaluations.map(one => {
        assert.equal(typeof one.decision, 'boolean')
        return one.decision as boolean
      })
    },
    search: async (searchFor, body) => {
      const found: string[] = []
      let token: string | undefined
      for (let page = 0; page < 1000; page++) {
        const asked = token === undefined ? body : { ...body, page: { ...pageOf(body), token } }
        const answer = await ok(`/access/v1/search/${searchFor}`, asked)
        assert.ok(Array.isArray(answer.results))
        for (const result of answer.results) found.push(searchFor === 'action' ? result.name : result.id)
        token = pageOf(answer).next_token as string | undefined
        if (token === undefined || token === '') return found
      }
      return assert.fail('the pages never end')
    },
  }
}

function pageOf(body: object): Readonly<Record<string, unknown>> {
  return 'page' in body && typeof body.page === 'object'
    ? (body.page as Readonly<Record<string, unknown>>)
    : {}
}
