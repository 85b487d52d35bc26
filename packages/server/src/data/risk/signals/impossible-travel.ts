import type { CoarsePlace } from '../../../store/records.ts'
import { raisedIf, type SignInSignal } from '../signal.ts'

/** Further from the place of the last sign-in than anybody travels in the time between. */
export const impossibleTravel: SignInSignal = {
  name: 'impossible-travel',
  judge: ({ place, seen, now }, { travelKilometresMin, travelKilometresPerHourMax }) => {
    const last = seen.find(({ what }) => what === 'place')
    if (place === undefined || last?.place === undefined) return 'unknown'
    const kilometres = distanceKilometres(last.place, place)
    if (kilometres < travelKilometresMin) return 'quiet'
    // Within one second nobody travels either, and a clock may have been set back.
    const hours = Math.max(1, now - last.lastAt) / 3600
    return raisedIf(kilometres / hours > travelKilometresPerHourMax)
  },
}

const earthRadiusKilometres = 6371

/** Along the surface of a globe. */
export function distanceKilometres(from: CoarsePlace, to: CoarsePlace): number {
  const [latitude, otherLatitude] = [radians(from.latitude), radians(to.latitude)]
  const half = (angle: number): number => Math.sin(angle / 2) ** 2
  const square =
    half(otherLatitude - latitude) +
    Math.cos(latitude) * Math.cos(otherLatitude) * half(radians(to.longitude - from.longitude))
  return 2 * earthRadiusKilometres * Math.asin(Math.min(1, Math.sqrt(square)))
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180
