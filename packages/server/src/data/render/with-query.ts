/** `uri` with parameters added, as text: parsing it could change how a client registered it. */
export function withQuery(uri: string, parameters: Readonly<Record<string, string>>): string {
  const separator = !uri.includes('?') ? '?' : /[?&]$/.test(uri) ? '' : '&'
  return `${uri}${separator}${new URLSearchParams(parameters)}`
}
