import {
  type AttributeSources,
  Fault,
  type Metrics,
  type Outbound,
  type Ports,
  type RemoteEngines,
} from '../../ports.ts'

/** Takes what is posted; it answers with a status only. */
export type Receive = (
  url: string,
  form: Readonly<Record<string, string>>,
) => Promise<{ readonly status: number }>
export type AnswerForm = (url: string, form: Readonly<Record<string, string>>) => Promise<unknown>

export function outboundOf(
  documents: ReadonlyMap<string, unknown>,
  fetched: string[],
  receive: Receive = nobodyReceives,
  answerForm: AnswerForm = nobodyReceives,
): Outbound {
  return {
    getJson: async url => {
      fetched.push(url)
      if (!documents.has(url)) throw new Fault('outbound.failed', { detail: url })
      return documents.get(url)
    },
    getText: async url => {
      fetched.push(url)
      const text = documents.get(url)
      if (typeof text !== 'string') throw new Fault('outbound.failed', { detail: url })
      return text
    },
    postForm: async (url, form) => receive(url, form),
    postFormForJson: async (url, form) => answerForm(url, form),
    postJson: async (url, body, { bearer }) => receive(url, { ...body, bearer }),
  }
}

const nobodyReceives: Receive = async url => {
  throw new Fault('outbound.failed', { detail: url })
}

export const noSources: AttributeSources = { find: async () => ({ ok: false, message: 'nobody answers' }) }

/** Worlds whose policies ask nobody. */
export const noEngines: RemoteEngines = {
  ask: async () => ({ verdict: 'failed', message: 'there is no such engine' }),
}

export const fakePasswords: Ports['passwords'] = {
  verify: async (password, encoded) => encoded === `fake:${password}`,
  hash: async password => `fake:${password}`,
  verifyNothing: async () => false,
}

export function metricsInto(counted: string[]): Metrics {
  return {
    count: name => {
      counted.push(name)
    },
  }
}
