import { raisedIf, type SignInSignal } from '../signal.ts'

/** A country that the issuer blocks, or that is not among those it allows. Quiet where it does neither. */
export const barredCountry: SignInSignal = {
  name: 'barred-country',
  judge: ({ country }, { blockedCountries, allowedCountries }) => {
    if (blockedCountries.length + allowedCountries.length === 0) return 'quiet'
    if (country === undefined) return 'unknown'
    const isAllowed = allowedCountries.length === 0 || allowedCountries.includes(country.code)
    return raisedIf(blockedCountries.includes(country.code) || !isAllowed)
  },
}
