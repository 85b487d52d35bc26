import { sentences } from '../../render/public-sentence.ts'
import { html } from '../html.ts'
import type { Words } from './words.ts'

export const en: Words = {
  locale: 'en',
  protectedBy: 'Protected by Holdfast',
  reference: 'Reference',
  duration: seconds => {
    const [size, unit] = (
      [
        [86_400, 'day'],
        [3600, 'hour'],
        [60, 'minute'],
      ] as const
    ).find(([size]) => seconds >= size) ?? [1, 'second']
    const count = Math.round(seconds / size)
    return count === 1 ? `1 ${unit}` : `${count} ${unit}s`
  },
  moment: seconds => {
    const at = new Date(seconds * 1000)
    const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
    const time = at.toISOString().slice(11, 16)
    return `${at.getUTCDate()} ${months[at.getUTCMonth()]} ${at.getUTCFullYear()}, ${time} UTC`
  },
  ours: { account: 'your account', approvals: 'your waiting requests' },
  login: {
    title: 'Sign in',
    problemTitle: 'Problem: Sign in',
    lead: clientName => html`to continue to <strong>${clientName}</strong>`,
    username: 'User name',
    password: 'Password',
    submit: 'Sign in',
    address: origin =>
      html`Check that the address of this page begins with <strong>${origin}</strong> before you type your password.`,
    wrong: 'The user name or the password is not right. Check both and try again.',
    missing: 'Enter both your user name and your password.',
    withPasskey: 'Sign in with a passkey',
    withProvider: name => `Sign in with ${name}`,
    passkeyRefused: 'The passkey could not be used here. Try again, or sign in with your password.',
    wait: time => `There were too many attempts. Wait ${time}, then try again.`,
  },
  secondFactor: {
    title: 'Confirm that it is you',
    problemTitle: 'Problem: Confirm that it is you',
    lead: (username, clientName) =>
      html`<strong>${username}</strong>, one more step to continue to <strong>${clientName}</strong>.`,
    code: 'Code of your authenticator app',
    submit: 'Continue',
    usePasskey: 'Use a passkey',
    goOnWithout: 'Continue without it',
    cannot: 'I cannot do this now',
    wrong: 'The code is not right, or it was used before. Wait for the next one and try again.',
    missing: 'Enter the six digits that your app shows.',
    passkeyRefused: 'The passkey could not be used here. Try again, or choose another way.',
  },
  passkey: {
    registered: 'This device has a passkey for you already.',
    unused: 'No passkey was used. Try again, or choose another way.',
    noScript: 'Passkeys need JavaScript, which is off in this browser.',
    noScriptButApp:
      'Passkeys need JavaScript, which is off in this browser. An authenticator app works without it.',
  },
  home: {
    title: 'Your account',
    lead: 'Where you are signed in, what you have allowed, and how you sign in.',
    back: 'Your account',
    notices: {
      'session-ended': 'That session was ended. Applications that used it were told.',
      'others-ended': 'You are signed in nowhere else any more. Applications were told.',
      withdrawn: 'You withdrew it. The application has no access by it any more.',
      forgotten: 'You are asked again the next time.',
      gone: 'It had already ended. Below is what there is now.',
    },
    askedAgain: 'If you signed in more than five minutes ago, you sign in again before something ends.',
    sessions: 'Where you are signed in',
    thisBrowser: 'This browser',
    anotherBrowser: 'Another browser',
    means: {
      pwd: 'a password',
      otp: 'a code of an app',
      passkey: 'a passkey',
    },
    signedIn: (moment, methods) => `Signed in ${moment}, with ${methods}`,
    lastUsed: moment => `Last used ${moment}`,
    usedFor: applications => `Used for ${applications}`,
    end: 'End',
    endNamed: moment => `End the session of ${moment}`,
    endOthers: 'Sign out everywhere else',
    notShown: count =>
      count === 1
        ? 'One older session is not shown. It ends with the others.'
        : `${count} older sessions are not shown. They end with the others.`,
    grants: 'What you have allowed',
    nothingAllowed: 'Nothing. When you allow an application something, it stands here.',
    allowed: moment => `Allowed ${moment}`,
    allowedAndChanged: (moment, changed) => `Allowed ${moment}, changed ${changed}`,
    may: 'It may',
    isTold: claims => `It is told: ${claims}`,
    at: places => `At ${places}`,
    ends: moment => `Ends by itself ${moment}`,
    endsOrSignOut: moment => `Ends by itself ${moment}, or when you sign out`,
    whileAway: 'It may act while you are away',
    unusable: 'This application cannot use it now',
    outOfUse: 'No longer in use here',
    withdraw: 'Withdraw',
    withdrawNamed: (clientName, moment) => `Withdraw what you allowed ${clientName} ${moment}`,
    withdrawHint: 'What you withdraw ends at once. The application can ask you again.',
    older: 'Show older ones',
    newest: 'Back to the newest',
    methods: (passkeys, hasApp) =>
      `Passkeys: ${passkeys === 0 ? 'none' : passkeys}. Authenticator app: ${hasApp ? 'set up' : 'not set up'}.`,
    manageMethods: 'Manage how you sign in',
    remembered: 'Not asked again',
    rememberedLead: 'When these applications ask the same again, they get it without a question.',
    rememberedUntil: moment => `Until ${moment}`,
    askAgain: 'Ask me again',
    askAgainNamed: clientName => `Ask me again when ${clientName} asks`,
  },
  security: {
    title: 'How you sign in',
    signedInAs: username => html`Signed in as <strong>${username}</strong>`,
    signOut: 'Sign out',
    passkeys: 'Passkeys',
    noPasskey:
      'None yet. A passkey signs you in with your device instead of a password, and cannot be phished.',
    addPasskey: 'Add a passkey',
    full: 'You have as many as there may be. Remove one to add another.',
    app: 'Authenticator app',
    noApp: 'Not set up. With it, your password alone no longer signs anybody in.',
    addApp: 'Set up an authenticator app',
    appName: 'Codes of six digits',
    removeHint: 'Removing one of these signs you out everywhere else.',
    added: moment => `Added ${moment}, not used yet`,
    addedAndUsed: (moment, used) => `Added ${moment}, last used ${used}`,
    remove: 'Remove',
    removeNamed: name => `Remove ${name}`,
    back: 'Back',
    passkeyAdded: 'The passkey was added. You can sign in with it from now on.',
    appAdded: 'The authenticator app was set up. You are asked for a code after your password from now on.',
    removed: 'It was removed, and you were signed out everywhere else.',
    removedBefore: 'It was removed before.',
    changedMeanwhile: 'Something changed meanwhile. Look again.',
  },
  addPasskey: {
    title: 'Add a passkey',
    lead: host =>
      html`Your device asks for your fingerprint, face or PIN and keeps a key for <strong>${host}</strong> alone.`,
    name: 'Name it, so that you know it again',
    usualName: 'My passkey',
    submit: 'Add a passkey',
    refused: 'The passkey was not added. Try again; each of your devices keeps one at most.',
  },
  addTotp: {
    title: 'Set up an authenticator app',
    scan: 'Scan this code with the app.',
    scanLabel: 'QR code for your authenticator app. It says the same as the link and the key below it.',
    addEntry: link =>
      html`Or open <a id="totp-link" href="${link}">this link</a> on the device with the app, or type this key into it:`,
    enterDigits: 'Enter the six digits that the app shows then.',
    submit: 'Turn it on',
    refused: 'The code is not right. Check the clock of your device and wait for the next code.',
  },
  consent: {
    title: clientName => `Allow ${clientName}?`,
    heading: clientName => html`Allow <span class="name">${clientName}</span>?`,
    signedInAs: username => html`You are signed in as <strong>${username}</strong>.`,
    backTo: host => html`After your answer you go back to <strong>${host}</strong>.`,
    deviceGoesOn: 'After your answer your device goes on by itself.',
    changed: 'What is asked for has changed since you saw it. Please read it again.',
    merged: 'You have allowed it something before. Below is everything together, what is new included.',
    replaced: 'This takes the place of what you allowed it before: what is not listed below, it loses.',
    asks: 'It asks to',
    alsoDetails: 'It also asks for these details about you',
    otherClaim: (name, scopeTitle) => `“${name}”, a part of “${scopeTitle}”`,
    where: 'It can use this at',
    goodToKnow: 'Good to know',
    onlyThis: 'It cannot see your password, and it cannot do anything that is not listed here.',
    lasting: time => `It keeps this access, also while you are away, for at most ${time}.`,
    lastingUntilSignOut: time =>
      `It keeps this access, also while you are away, for at most ${time}, or until you sign out here.`,
    ending: time => `This access ends by itself after at most ${time}.`,
    takeBack: link =>
      html`You can take back what you allowed at any time, in <a href="${link}">your account</a>.`,
    allow: 'Allow',
    deny: 'Deny',
    vouchedBy: {
      onboarding: legalName =>
        html`Verified: the operators of this server checked it, and <strong><bdi>${legalName}</bdi></strong> answers for it.`,
      operator:
        'Not verified: the operators of this server registered it, but nobody checked here who answers for it.',
      statement:
        'Not verified: it registered itself with a signed statement that this server trusts, but nobody checked here who answers for it.',
      nobody: 'Not verified: it registered itself, and nobody vouches for its name.',
    },
    remembered: time => `You are not asked the same again for ${time}. In your account you can change that.`,
  },
  claims: {
    name: 'Your full name',
    given_name: 'Your first name',
    family_name: 'Your last name',
    middle_name: 'Your middle name',
    nickname: 'Your nickname',
    preferred_username: 'The name you like to be called by',
    profile: 'The address of your profile page',
    picture: 'Your picture',
    website: 'The address of your website',
    email: 'Your e-mail address',
    email_verified: 'Whether your e-mail address was confirmed',
    gender: 'Your gender',
    birthdate: 'Your date of birth',
    zoneinfo: 'Your time zone',
    locale: 'Your language and region',
    phone_number: 'Your phone number',
    phone_number_verified: 'Whether your phone number was confirmed',
    address: 'Your postal address',
    updated_at: 'When your details were last changed',
  },
  device: {
    title: 'Connect a device',
    problemTitle: 'Problem: Connect a device',
    enterCode: 'Enter the code that your device shows.',
    checkCode: 'Check that your device shows exactly this code.',
    code: 'Code',
    submit: 'Continue',
    warning:
      'Did somebody send you this code? Then close this page: the code would let their device act for you.',
    wrong: 'This code is not right, or it is no longer valid. Compare it with your device and try again.',
    wait: 'There were too many wrong codes. Wait ten minutes, then start again on your device.',
    confirmTitle: clientName => `Connect ${clientName}?`,
    confirmHeading: clientName => html`Connect <span class="name">${clientName}</span>?`,
    confirmLead: 'A device asks for access through this application.',
    application: 'Application',
    network: 'The device asked from network',
    confirmWarning:
      'Go on only if the device is yours, in front of you, and showed you the code itself. If somebody sent you the code, stop.',
    mine: 'It is my device',
    stop: 'Stop',
    allowedTitle: 'Your device is connected',
    allowed: 'You can close this page. Your device goes on by itself in a few seconds.',
    deniedTitle: 'Your device was not connected',
    denied: 'Nothing was shared and no access was given. You can close this page.',
  },
  approvals: {
    title: 'Waiting for your answer?',
    lead: 'Here you allow or deny what you started somewhere else: at a till, on the phone, on another device.',
    submit: 'Sign in and look',
    notStarted: 'Did somebody tell you to come here for something you did not start? Then close this page.',
    waitingTitle: 'Waiting for your answer',
    nothingTitle: 'Nothing waits for you',
    again: 'Look again',
    endsByItself: 'Requests end by themselves after a while. Closing this page answers nothing.',
    asked: minutes =>
      minutes === 0
        ? 'Asked just now'
        : minutes === 1
          ? 'Asked a minute ago'
          : `Asked ${minutes} minutes ago`,
    compare: 'Go on only if the place where you started shows exactly this:',
    usedAt: (name, host) =>
      html`It can use this at <strong>${name}</strong> <span class="quiet">${host}</span>`,
    ifNotYours: 'You did not start this, or somebody asks you on the phone to allow it? Then deny it.',
    allowed: clientName => `You allowed ${clientName}. It goes on by itself; you can close this page.`,
    denied: clientName => `You denied ${clientName}. Nothing was shared.`,
    late: 'This was already answered, or it waited too long. Your answer changed nothing.',
    unreachable: clientName =>
      `${clientName} asks for a stronger sign-in than you have set up. Nothing was allowed.`,
    setUp: 'Set up a stronger way to sign in',
  },
  groupApprovals: {
    alsoNeeded: groups =>
      `Others have to approve this as well: ${groups}. When you allow it, they are asked.`,
    isGiven: 'The others who had to approve this have approved it. Allow it now to go on.',
    waitingTitle: 'Waiting for approval',
    waitingLead: clientName =>
      html`You allowed <strong>${clientName}</strong>. Others have to approve it before it goes on.`,
    stillMissing: groups => `Not answered yet: ${groups}`,
    approvedAlready: groups => `Approved: ${groups}`,
    looksAgain: 'This page looks again every 15 seconds and goes on by itself.',
    lookNow: 'Look now',
    stopLooking: 'Do not look again by itself',
    mayClose: time =>
      `You can also close it and begin again in the application later. An approval counts for at most ${time}.`,
    giveUp: 'Give up',
    section: 'For your approval',
    heading: clientName => html`Approve <span class="name">${clientName}</span>?`,
    forUser: username => html`It asks <strong>${username}</strong> to allow this:`,
    forItself: 'It asks this for itself, for no user:',
    asMember: group => html`You are asked as a member of <strong>${group}</strong>.`,
    others: groups => `These have to approve as well, each by another person: ${groups}.`,
    once: time => `Your approval counts once, for at most ${time}, and for nothing but this.`,
    again: time => `Your approval counts again and again for ${time}, and for nothing but this.`,
    yourName: 'Your name is kept with your answer.',
    approve: 'Approve',
    refuse: 'Refuse',
    approved: clientName => `You approved it. ${clientName} can go on.`,
    approvedOthersMissing: (clientName, groups) =>
      `You approved it. Before ${clientName} can go on, these have to answer: ${groups}.`,
    refused: clientName => `You refused it. ${clientName} is told so.`,
    asked: (clientName, groups) =>
      `Others have to approve ${clientName} as well, and were asked: ${groups}. When they have, allow it here again.`,
    onAccount: 'Look what waits for your approval',
  },
  logout: {
    title: 'Sign out?',
    signedInAs: username => html`You are signed in as <strong>${username}</strong>.`,
    asks: clientName => html`<strong>${clientName}</strong> asks to sign you out.`,
    again: 'You will have to sign in again the next time an application sends you here.',
    beyond: 'Access that you allowed beyond signing out stays with its application.',
    signOut: 'Sign out',
    stay: 'Stay signed in',
    signedOutTitle: 'You are signed out',
    signedOut: host => html`Nobody is signed in to <strong>${host}</strong> in this browser.`,
    backTo: clientName => `Back to ${clientName}`,
    elsewhere: 'Signing out elsewhere',
    stillTitle: 'You are still signed in',
    still: 'Nothing was changed. You can close this page.',
  },
  formPost: {
    title: 'Back to the application',
    lead: host =>
      html`You are on your way to <strong>${host}</strong>. If nothing happens, press “Continue”.`,
    submit: 'Continue',
  },
  errors: {
    refused: {
      title: 'This request cannot continue',
      notice: 'Nothing was shared and no access was given.',
      advice:
        'Go back to the application and start again. If it happens once more, tell the people who run ' +
        'the application and give them the reference below.',
    },
    cookies: {
      title: 'Your browser did not send our cookie',
      notice: 'Nothing was shared and nobody was signed in.',
      advice: 'Allow cookies for this site, go back to the application and start again.',
    },
    unchanged: {
      title: 'This cannot continue',
      notice: 'Nothing was changed.',
      advice: 'Go back and try again. If it happens once more, tell the people who run this service.',
    },
    // Something may well have been shared before, so this does not say that it was not.
    answered: {
      title: 'This was already answered',
      notice: 'Your first answer counts. This page changed nothing.',
      advice: 'Go back to the application. If it does not know you there, start again.',
    },
    // After a fault nobody may promise that nothing happened: the answer to a commit can be what was lost.
    ours: {
      title: 'We cannot answer right now',
      notice: 'Something on our side did not work. It is not your fault.',
      advice: 'Wait a moment, go back to the application and start again.',
    },
    logout: {
      title: 'This sign-out request is not right',
      notice: 'Nothing was changed.',
      advice: 'Go back to the application and try again.',
    },
    logoutSignedIn: {
      title: 'This sign-out request is not right',
      notice: 'You were not signed out.',
      advice: 'The application asked in a way we cannot trust. You can still sign out here.',
    },
  },
  errorFacts: { error: 'Error', meaning: 'Meaning', reference: 'Reference' },
  meanings: sentences,
}
