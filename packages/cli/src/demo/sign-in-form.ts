/** A form as a browser would send it. */
export interface FilledForm {
  /** As it stands in the page; empty: the address of the page. */
  readonly action: string
  readonly form: Readonly<Record<string, string>>
}

/**
 * The login page signed in on, or the consent page agreed to, as a person would.
 * @param page its HTML
 * @returns undefined when it is neither of the two
 */
export function filledForm(
  page: string,
  user: { readonly username: string; readonly password: string },
): FilledForm | undefined {
  const markup = /<form[^>]*id="(login-form|consent-form)"[^>]*>([\s\S]*?)<\/form>/.exec(page)
  if (markup === null) return undefined
  const [whole, id, inside = ''] = markup
  const form: Record<string, string> = {}
  for (const [input] of inside.matchAll(/<input[^>]*type="hidden"[^>]*>/g))
    form[attribute(input, 'name')] = attribute(input, 'value')
  if (id === 'login-form') Object.assign(form, { username: user.username, password: user.password })
  else {
    const button = /<button[^>]*id="consent-allow"[^>]*>/.exec(inside)?.[0] ?? ''
    form[attribute(button, 'name')] = attribute(button, 'value')
  }
  return { action: attribute(whole.slice(0, whole.indexOf('>') + 1), 'action'), form }
}

function attribute(tag: string, name: string): string {
  const text = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
