/** What `withDeadline` rejects with when the time is over. */
export const deadline = Symbol('deadline')

/** Waits for an answer for at most `timeoutMs`; an answer that is there already costs no timer. */
export async function withDeadline<T>(answer: T | Promise<T>, timeoutMs: number): Promise<T> {
  if (!isThenable(answer)) return answer
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(deadline), timeoutMs)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
