/** From a minute on, rounded up: who comes back after the time that was named must find it over. */
export function wholeMinutes(seconds: number): number {
  return seconds < 60 ? seconds : Math.ceil(seconds / 60) * 60
}
