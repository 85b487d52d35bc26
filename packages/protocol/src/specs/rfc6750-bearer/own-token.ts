import { fail, pass, type Rule } from '../../rule.ts'

/** Whom a token that is presented to the authorization server itself is for. */
export interface PresentedHere {
  readonly tokenAudience: readonly string[]
  readonly issuer: string
}

/** The same, where only a client that speaks for itself is heard. */
export interface PresentedByClient extends PresentedHere {
  /** Whether the client got the token for itself: no user, no exchange. */
  readonly isOwn: boolean
}

/** Check of every rule that keeps an API from using here what it was shown. */
export const isForIssuer: Rule<PresentedHere>['check'] = ({ tokenAudience, issuer }) =>
  tokenAudience.includes(issuer) ? pass : fail('invalid_token', 'the token is for somebody else')

/** Check of every rule by which no user's consent gives power over other users. */
export const isClientsOwn: Rule<PresentedByClient>['check'] = ({ isOwn }) =>
  isOwn ? pass : fail('invalid_token', 'the token speaks for a user')
