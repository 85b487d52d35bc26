import type { AuthenticationMethod } from '@holdfast/protocol'
import type { Locale } from '../../../snapshot/locale.ts'
import type { SentencedError } from '../../render/public-sentence.ts'
import type { Html } from '../html.ts'

/** Claims with words of their own: those of OpenID Connect Core section 5.1. */
export type StandardClaim =
  | 'name'
  | 'given_name'
  | 'family_name'
  | 'middle_name'
  | 'nickname'
  | 'preferred_username'
  | 'profile'
  | 'picture'
  | 'website'
  | 'email'
  | 'email_verified'
  | 'gender'
  | 'birthdate'
  | 'zoneinfo'
  | 'locale'
  | 'phone_number'
  | 'phone_number_verified'
  | 'address'
  | 'updated_at'

/** What a page about something that did not work says. */
export interface ErrorWords {
  readonly title: string
  /** What did or did not happen. */
  readonly notice: string
  /** What the user can do now. */
  readonly advice: string
}

/** Which of them: `refused` is the usual one. */
export type ErrorKind =
  | 'refused'
  | 'cookies'
  | 'unchanged'
  | 'answered'
  | 'ours'
  | 'logout'
  | 'logoutSignedIn'

/** Pages of ours that a user signs in to where no client sent them. */
export type OurPages = 'account' | 'approvals'

/**
 * Every sentence a page says, in one language. A catalogue that lacks one does not compile. A sentence with something
 * in it is a function, so that each language puts it where it belongs.
 */
export interface Words {
  readonly locale: Locale
  readonly protectedBy: string
  readonly reference: string
  /** At most a time, in the unit that reads best. */
  readonly duration: (seconds: number) => string
  /** A moment as a person reads it, the same for everybody. */
  readonly moment: (seconds: number) => string
  /** In the place of the name of a client. */
  readonly ours: Readonly<Record<OurPages, string>>
  readonly login: LoginWords
  readonly secondFactor: SecondFactorWords
  readonly passkey: PasskeyWords
  readonly home: HomeWords
  readonly security: SecurityWords
  readonly addPasskey: AddPasskeyWords
  readonly addTotp: AddTotpWords
  readonly consent: ConsentWords
  readonly claims: Readonly<Record<StandardClaim, string>>
  readonly device: DeviceWords
  readonly approvals: ApprovalsWords
  readonly groupApprovals: GroupApprovalsWords
  readonly logout: LogoutWords
  readonly formPost: FormPostWords
  readonly errors: Readonly<Record<ErrorKind, ErrorWords>>
  readonly errorFacts: { readonly error: string; readonly meaning: string; readonly reference: string }
  readonly meanings: Readonly<Record<SentencedError | 'other', string>>
}

export interface LoginWords {
  readonly title: string
  readonly problemTitle: string
  readonly lead: (clientName: string) => Html
  readonly username: string
  readonly password: string
  readonly submit: string
  readonly address: (origin: string) => Html
  readonly wrong: string
  readonly missing: string
  readonly withPasskey: string
  readonly withProvider: (name: string) => string
  /** After a passkey that was refused. */
  readonly passkeyRefused: string
  /** @param time a duration in words */
  readonly wait: (time: string) => string
}

/** What is asked for besides the password. */
export interface SecondFactorWords {
  readonly title: string
  readonly problemTitle: string
  readonly lead: (username: string, clientName: string) => Html
  /** Label of the field, here and where an app is set up. */
  readonly code: string
  readonly submit: string
  readonly usePasskey: string
  readonly goOnWithout: string
  readonly cannot: string
  readonly wrong: string
  readonly missing: string
  readonly passkeyRefused: string
}

/** What the script of the pages with passkeys says, and what they say without it. */
export interface PasskeyWords {
  readonly registered: string
  readonly unused: string
  readonly noScript: string
  readonly noScriptButApp: string
}

/** What the account page says was done, or that what was meant is not there any more. */
export type HomeNotice = 'session-ended' | 'others-ended' | 'withdrawn' | 'forgotten' | 'gone'

/** The account page: sessions, what was allowed, and the way to the ways to sign in. */
export interface HomeWords {
  readonly title: string
  readonly lead: string
  readonly back: string
  readonly notices: Readonly<Record<HomeNotice, string>>
  /** Before what may ask for a new sign-in. */
  readonly askedAgain: string
  readonly sessions: string
  readonly thisBrowser: string
  readonly anotherBrowser: string
  /** As they stand in a list after “with”. */
  readonly means: Readonly<Record<AuthenticationMethod, string>>
  /** @param moment when, in words @param means a list, in words, as in the sentences below */
  readonly signedIn: (moment: string, means: string) => string
  readonly lastUsed: (moment: string) => string
  readonly usedFor: (applications: string) => string
  readonly end: string
  /** For who hears the button without its row. */
  readonly endNamed: (moment: string) => string
  readonly endOthers: string
  readonly notShown: (count: number) => string
  readonly grants: string
  readonly nothingAllowed: string
  readonly allowed: (moment: string) => string
  readonly allowedAndChanged: (moment: string, changedMoment: string) => string
  readonly may: string
  /** Details about the user, each as it begins a line. */
  readonly isTold: (claims: string) => string
  readonly at: (places: string) => string
  readonly ends: (moment: string) => string
  readonly endsOrSignOut: (moment: string) => string
  readonly whileAway: string
  readonly unusable: string
  /** Of an authorization detail that no token carries any more. */
  readonly outOfUse: string
  readonly withdraw: string
  readonly withdrawNamed: (clientName: string, moment: string) => string
  readonly withdrawHint: string
  readonly older: string
  readonly newest: string
  readonly methods: (passkeys: number, hasApp: boolean) => string
  readonly manageMethods: string
  readonly remembered: string
  readonly rememberedLead: string
  readonly rememberedUntil: (moment: string) => string
  readonly askAgain: string
  readonly askAgainNamed: (clientName: string) => string
}

/** The page about the ways a user signs in. */
export interface SecurityWords {
  readonly title: string
  readonly signedInAs: (username: string) => Html
  readonly signOut: string
  readonly passkeys: string
  readonly noPasskey: string
  readonly addPasskey: string
  readonly full: string
  readonly app: string
  readonly noApp: string
  readonly addApp: string
  readonly appName: string
  readonly removeHint: string
  /** @param moment when, in words */
  readonly added: (moment: string) => string
  readonly addedAndUsed: (moment: string, usedMoment: string) => string
  readonly remove: string
  readonly removeNamed: (name: string) => string
  readonly back: string
  readonly passkeyAdded: string
  readonly appAdded: string
  readonly removed: string
  readonly removedBefore: string
  readonly changedMeanwhile: string
}

export interface AddPasskeyWords {
  readonly title: string
  readonly lead: (host: string) => Html
  readonly name: string
  readonly usualName: string
  readonly submit: string
  readonly refused: string
}

export interface AddTotpWords {
  readonly title: string
  readonly scan: string
  /** For who does not see the code. */
  readonly scanLabel: string
  /** Instead of scanning, up to the key that is typed. */
  readonly addEntry: (link: string) => Html
  readonly enterDigits: string
  readonly submit: string
  readonly refused: string
}

export interface ConsentWords {
  readonly title: (clientName: string) => string
  readonly heading: (clientName: string) => Html
  readonly signedInAs: (username: string) => Html
  readonly backTo: (host: string) => Html
  readonly deviceGoesOn: string
  readonly changed: string
  /** Grant management: the list is all it will have, what it had before included. */
  readonly merged: string
  /** Grant management: what is not in the list is lost. */
  readonly replaced: string
  readonly asks: string
  readonly alsoDetails: string
  /** A claim that is not a standard one: its name, and the scope that it belongs to. */
  readonly otherClaim: (name: string, scopeTitle: string) => string
  readonly where: string
  readonly goodToKnow: string
  readonly onlyThis: string
  readonly lasting: (time: string) => string
  readonly lastingUntilSignOut: (time: string) => string
  readonly ending: (time: string) => string
  /** Below the answer, and on pages after it. @param link to the account page */
  readonly takeBack: (link: string) => Html
  readonly allow: string
  readonly deny: string
  /** Who says that the application is what it says it is: verified or not, first of all. */
  readonly vouchedBy: {
    /** @param legalName of the entity that answers for it, as it was approved */
    readonly onboarding: (legalName: string) => Html
    readonly operator: string
    readonly statement: string
    readonly nobody: string
  }
  /** @param time in which the user is not asked again */
  readonly remembered: (time: string) => string
}

export interface DeviceWords {
  readonly title: string
  readonly problemTitle: string
  readonly enterCode: string
  readonly checkCode: string
  readonly code: string
  readonly submit: string
  readonly warning: string
  readonly wrong: string
  readonly wait: string
  readonly confirmTitle: (clientName: string) => string
  readonly confirmHeading: (clientName: string) => Html
  readonly confirmLead: string
  readonly application: string
  readonly network: string
  readonly confirmWarning: string
  readonly mine: string
  readonly stop: string
  readonly allowedTitle: string
  readonly allowed: string
  readonly deniedTitle: string
  readonly denied: string
}

/** What a user answers for a client that waits elsewhere (CIBA). */
/** What other people have to approve: for who waits, and for who approves. */
export interface GroupApprovalsWords {
  /** Before the user answers. */
  readonly alsoNeeded: (groups: string) => string
  readonly isGiven: string
  readonly waitingTitle: string
  readonly waitingLead: (clientName: string) => Html
  readonly stillMissing: (groups: string) => string
  readonly approvedAlready: (groups: string) => string
  readonly looksAgain: string
  readonly lookNow: string
  readonly stopLooking: string
  readonly mayClose: (time: string) => string
  readonly giveUp: string
  /** On the page of who approves. */
  readonly section: string
  readonly heading: (clientName: string) => Html
  readonly forUser: (username: string) => Html
  readonly forItself: string
  readonly asMember: (group: string) => Html
  readonly others: (groups: string) => string
  readonly once: (time: string) => string
  readonly again: (time: string) => string
  readonly yourName: string
  readonly approve: string
  readonly refuse: string
  readonly approved: (clientName: string) => string
  readonly approvedOthersMissing: (clientName: string, groups: string) => string
  readonly refused: (clientName: string) => string
  /** To a user who allowed it on this page, and others have to approve as well. */
  readonly asked: (clientName: string, groups: string) => string
  readonly onAccount: string
}

export interface ApprovalsWords {
  readonly title: string
  readonly lead: string
  readonly submit: string
  readonly notStarted: string
  readonly waitingTitle: string
  readonly nothingTitle: string
  readonly again: string
  readonly endsByItself: string
  readonly asked: (minutesAgo: number) => string
  readonly compare: string
  readonly usedAt: (displayName: string, host: string) => Html
  readonly ifNotYours: string
  readonly allowed: (clientName: string) => string
  readonly denied: (clientName: string) => string
  readonly late: string
  /** Nothing that the user has set up is strong enough for what is asked. */
  readonly unreachable: (clientName: string) => string
  readonly setUp: string
}

export interface LogoutWords {
  readonly title: string
  readonly signedInAs: (username: string) => Html
  readonly asks: (clientName: string) => Html
  readonly again: string
  readonly beyond: string
  readonly signOut: string
  readonly stay: string
  readonly signedOutTitle: string
  readonly signedOut: (host: string) => Html
  readonly backTo: (clientName: string) => string
  /** Name of the frames that tell other clients. */
  readonly elsewhere: string
  readonly stillTitle: string
  readonly still: string
}

export interface FormPostWords {
  readonly title: string
  readonly lead: (host: string) => Html
  readonly submit: string
}
