import { answerKey, askAfresh, type Question } from '@holdfast/policy/cedar/reference.ts'
import { tokenSchema } from '@holdfast/policy/token/schema.ts'
import { shippedPolicies } from '@holdfast/policy/token/shipped.ts'

/** All that cedar-wasm is asked when the shipped policies are compiled, and what it says. @throws Error when it refuses them */
export function recordedAnswers(): Readonly<Record<string, unknown>> {
  const answers: Record<string, unknown> = {}
  const ask = <Q extends Question>(question: Q, about: Parameters<typeof askAfresh<Q>>[1]) => {
    const answer = askAfresh(question, about)
    if (answer?.type !== 'success')
      throw new Error(`cedar-wasm refuses what we ship: ${JSON.stringify(answer)}`)
    // As it is read back: what is `undefined` is not there.
    answers[answerKey(question, about)] = JSON.parse(JSON.stringify(answer))
    return answer
  }
  const schema = tokenSchema.text
  ask('schemaToJsonWithResolvedTypes', schema)
  const staticPolicies: Record<string, string> = {}
  for (const text of Object.values(shippedPolicies)) {
    const parts = ask('policySetTextToParts', text)
    for (const policy of 'policies' in parts ? parts.policies : []) {
      const answer = ask('policyToJson', policy)
      if ('json' in answer) staticPolicies[answer.json.annotations?.id ?? ''] = policy
    }
  }
  ask('validate', { schema, policies: { staticPolicies }, validationSettings: { mode: 'strict' } })
  return answers
}
