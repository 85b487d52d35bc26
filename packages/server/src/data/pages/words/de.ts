import { html } from '../html.ts'
import type { Words } from './words.ts'

export const de: Words = {
  locale: 'de',
  protectedBy: 'Geschützt durch Holdfast',
  reference: 'Kennung',
  duration: seconds => {
    const [size, one, many] = (
      [
        [86_400, '1 Tag', 'Tage'],
        [3600, '1 Stunde', 'Stunden'],
        [60, '1 Minute', 'Minuten'],
      ] as const
    ).find(([size]) => seconds >= size) ?? [1, '1 Sekunde', 'Sekunden']
    const count = Math.round(seconds / size)
    return count === 1 ? one : `${count} ${many}`
  },
  moment: seconds => {
    const [day = '', time = ''] = new Date(seconds * 1000).toISOString().split('T')
    return `${day.split('-').toReversed().join('.')}, ${time.slice(0, 5)} UTC`
  },
  ours: { account: 'Ihrem Konto', approvals: 'Ihren offenen Anfragen' },
  login: {
    title: 'Anmelden',
    problemTitle: 'Problem: Anmelden',
    lead: clientName => html`um mit <strong>${clientName}</strong> fortzufahren`,
    username: 'Benutzername',
    password: 'Passwort',
    submit: 'Anmelden',
    address: origin =>
      html`Prüfen Sie, dass die Adresse dieser Seite mit <strong>${origin}</strong> beginnt, bevor Sie Ihr Passwort eingeben.`,
    wrong:
      'Der Benutzername oder das Passwort stimmt nicht. Prüfen Sie beides und versuchen Sie es noch einmal.',
    missing: 'Geben Sie Ihren Benutzernamen und Ihr Passwort ein.',
    withPasskey: 'Mit einem Passkey anmelden',
    withProvider: name => `Mit ${name} anmelden`,
    passkeyRefused:
      'Der Passkey ließ sich hier nicht verwenden. Versuchen Sie es noch einmal, oder melden Sie sich mit Ihrem Passwort an.',
    wait: time => `Es gab zu viele Versuche. Warten Sie ${time}, dann versuchen Sie es noch einmal.`,
  },
  secondFactor: {
    title: 'Bestätigen Sie, dass Sie es sind',
    problemTitle: 'Problem: Bestätigen Sie, dass Sie es sind',
    lead: (username, clientName) =>
      html`<strong>${username}</strong>, noch ein Schritt, um mit <strong>${clientName}</strong> fortzufahren.`,
    code: 'Code Ihrer Authenticator-App',
    submit: 'Weiter',
    usePasskey: 'Passkey verwenden',
    goOnWithout: 'Ohne fortfahren',
    cannot: 'Das kann ich gerade nicht',
    wrong:
      'Der Code stimmt nicht oder wurde schon verwendet. Warten Sie auf den nächsten und versuchen Sie es noch einmal.',
    missing: 'Geben Sie die sechs Ziffern ein, die Ihre App anzeigt.',
    passkeyRefused:
      'Der Passkey ließ sich hier nicht verwenden. Versuchen Sie es noch einmal, oder wählen Sie einen anderen Weg.',
  },
  passkey: {
    registered: 'Dieses Gerät hat schon einen Passkey für Sie.',
    unused:
      'Es wurde kein Passkey verwendet. Versuchen Sie es noch einmal, oder wählen Sie einen anderen Weg.',
    noScript: 'Passkeys brauchen JavaScript, das in diesem Browser ausgeschaltet ist.',
    noScriptButApp:
      'Passkeys brauchen JavaScript, das in diesem Browser ausgeschaltet ist. Eine Authenticator-App kommt ohne aus.',
  },
  home: {
    title: 'Ihr Konto',
    lead: 'Wo Sie angemeldet sind, was Sie erlaubt haben und wie Sie sich anmelden.',
    back: 'Ihr Konto',
    notices: {
      'session-ended': 'Die Sitzung wurde beendet. Anwendungen, die sie nutzten, wurden benachrichtigt.',
      'others-ended': 'Sie sind nirgendwo sonst mehr angemeldet. Anwendungen wurden benachrichtigt.',
      withdrawn: 'Sie haben es zurückgenommen. Die Anwendung hat dadurch keinen Zugriff mehr.',
      forgotten: 'Beim nächsten Mal werden Sie wieder gefragt.',
      gone: 'Das war schon beendet. Unten steht, was es jetzt gibt.',
    },
    askedAgain:
      'Liegt Ihre Anmeldung mehr als fünf Minuten zurück, melden Sie sich noch einmal an, bevor etwas endet.',
    sessions: 'Wo Sie angemeldet sind',
    thisBrowser: 'Dieser Browser',
    anotherBrowser: 'Ein anderer Browser',
    means: {
      pwd: 'Passwort',
      otp: 'Code einer App',
      passkey: 'Passkey',
    },
    signedIn: (moment, methods) => `Angemeldet am ${moment}, mit ${methods}`,
    lastUsed: moment => `Zuletzt genutzt am ${moment}`,
    usedFor: applications => `Genutzt für ${applications}`,
    end: 'Beenden',
    endNamed: moment => `Sitzung vom ${moment} beenden`,
    endOthers: 'Überall sonst abmelden',
    notShown: count =>
      count === 1
        ? 'Eine ältere Sitzung steht nicht hier. Sie endet mit den anderen.'
        : `${count} ältere Sitzungen stehen nicht hier. Sie enden mit den anderen.`,
    grants: 'Was Sie erlaubt haben',
    nothingAllowed: 'Nichts. Wenn Sie einer Anwendung etwas erlauben, steht es hier.',
    allowed: moment => `Erlaubt am ${moment}`,
    allowedAndChanged: (moment, changed) => `Erlaubt am ${moment}, geändert am ${changed}`,
    may: 'Die Anwendung darf',
    isTold: claims => `Die Anwendung erfährt: ${claims}`,
    at: places => `Bei ${places}`,
    ends: moment => `Endet von selbst am ${moment}`,
    endsOrSignOut: moment => `Endet von selbst am ${moment} oder wenn Sie sich abmelden`,
    whileAway: 'Die Anwendung darf handeln, auch wenn Sie nicht da sind',
    unusable: 'Diese Anwendung kann es zurzeit nicht nutzen',
    outOfUse: 'Hier nicht mehr in Gebrauch',
    withdraw: 'Zurücknehmen',
    withdrawNamed: (clientName, moment) => `Zurücknehmen, was Sie ${clientName} am ${moment} erlaubt haben`,
    withdrawHint: 'Was Sie zurücknehmen, endet sofort. Die Anwendung kann Sie wieder fragen.',
    older: 'Ältere anzeigen',
    newest: 'Zurück zu den neuesten',
    methods: (passkeys, hasApp) =>
      `Passkeys: ${passkeys === 0 ? 'keine' : passkeys}. Authenticator-App: ${hasApp ? 'eingerichtet' : 'nicht eingerichtet'}.`,
    manageMethods: 'Anmeldewege verwalten',
    remembered: 'Ohne neue Frage',
    rememberedLead: 'Fragen diese Anwendungen dasselbe noch einmal, bekommen sie es ohne Rückfrage.',
    rememberedUntil: moment => `Bis ${moment}`,
    askAgain: 'Wieder fragen',
    askAgainNamed: clientName => `Wieder fragen, wenn ${clientName} fragt`,
  },
  security: {
    title: 'So melden Sie sich an',
    signedInAs: username => html`Angemeldet als <strong>${username}</strong>`,
    signOut: 'Abmelden',
    passkeys: 'Ihre Passkeys',
    noPasskey:
      'Noch keiner. Mit einem Passkey melden Sie sich mit Ihrem Gerät statt mit einem Passwort an; niemand kann ihn Ihnen ablisten.',
    addPasskey: 'Passkey hinzufügen',
    full: 'Mehr gibt es nicht: Entfernen Sie einen, um einen anderen hinzuzufügen.',
    app: 'Authenticator-App',
    noApp: 'Nicht eingerichtet. Mit ihr genügt Ihr Passwort allein niemandem mehr zur Anmeldung.',
    addApp: 'Authenticator-App einrichten',
    appName: 'Codes aus sechs Ziffern',
    removeHint: 'Entfernen Sie etwas davon, werden Sie überall sonst abgemeldet.',
    added: moment => `Hinzugefügt am ${moment}, noch nicht verwendet`,
    addedAndUsed: (moment, used) => `Hinzugefügt am ${moment}, zuletzt verwendet am ${used}`,
    remove: 'Entfernen',
    removeNamed: name => `${name} entfernen`,
    back: 'Zurück',
    passkeyAdded: 'Der Passkey wurde hinzugefügt. Ab jetzt können Sie sich mit ihm anmelden.',
    appAdded:
      'Die Authenticator-App ist eingerichtet. Ab jetzt werden Sie nach dem Passwort um einen Code gebeten.',
    removed: 'Es wurde entfernt, und Sie wurden überall sonst abgemeldet.',
    removedBefore: 'Das wurde schon entfernt.',
    changedMeanwhile: 'Inzwischen hat sich etwas geändert. Sehen Sie noch einmal nach.',
  },
  addPasskey: {
    title: 'Passkey hinzufügen',
    lead: host =>
      html`Ihr Gerät fragt nach Fingerabdruck, Gesicht oder PIN und behält einen Schlüssel nur für <strong>${host}</strong>.`,
    name: 'Geben Sie ihm einen Namen, an dem Sie ihn wiedererkennen',
    usualName: 'Mein Passkey',
    submit: 'Passkey hinzufügen',
    refused:
      'Der Passkey wurde nicht hinzugefügt. Versuchen Sie es noch einmal; jedes Ihrer Geräte behält höchstens einen.',
  },
  addTotp: {
    title: 'Authenticator-App einrichten',
    scan: 'Scannen Sie diesen Code mit der App.',
    scanLabel:
      'QR-Code für Ihre Authenticator-App. Er sagt dasselbe wie der Link und der Schlüssel darunter.',
    addEntry: link =>
      html`Oder öffnen Sie <a id="totp-link" href="${link}">diesen Link</a> auf dem Gerät mit der App, oder geben Sie dort diesen Schlüssel ein:`,
    enterDigits: 'Geben Sie die sechs Ziffern ein, die die App dann anzeigt.',
    submit: 'Einschalten',
    refused: 'Der Code stimmt nicht. Prüfen Sie die Uhr Ihres Geräts und warten Sie auf den nächsten Code.',
  },
  consent: {
    title: clientName => `${clientName} zulassen?`,
    heading: clientName => html`<span class="name">${clientName}</span> zulassen?`,
    signedInAs: username => html`Sie sind angemeldet als <strong>${username}</strong>.`,
    backTo: host => html`Nach Ihrer Antwort kehren Sie zu <strong>${host}</strong> zurück.`,
    deviceGoesOn: 'Nach Ihrer Antwort macht Ihr Gerät von selbst weiter.',
    changed: 'Die Anfrage hat sich geändert, seit Sie sie gesehen haben. Bitte lesen Sie sie noch einmal.',
    merged: 'Sie haben dieser Anwendung schon etwas erlaubt. Unten steht alles zusammen, auch was neu ist.',
    replaced:
      'Das ersetzt, was Sie dieser Anwendung bisher erlaubt haben: Was unten nicht steht, verliert sie.',
    asks: 'Die Anwendung möchte',
    alsoDetails: 'Außerdem bittet die Anwendung um diese Angaben über Sie',
    otherClaim: (name, scopeTitle) => `„${name}“, ein Teil von „${scopeTitle}“`,
    where: 'Die Anwendung kann das hier nutzen',
    goodToKnow: 'Gut zu wissen',
    onlyThis: 'Die Anwendung sieht Ihr Passwort nicht und kann nichts tun, was hier nicht aufgeführt ist.',
    lasting: time => `Die Anwendung behält diesen Zugriff höchstens ${time}, auch wenn Sie nicht da sind.`,
    lastingUntilSignOut: time =>
      `Die Anwendung behält diesen Zugriff höchstens ${time}, auch wenn Sie nicht da sind, oder bis Sie sich hier abmelden.`,
    ending: time => `Dieser Zugriff gilt höchstens ${time} und endet dann von selbst.`,
    takeBack: link =>
      html`Was Sie erlaubt haben, können Sie jederzeit in <a href="${link}">Ihrem Konto</a> zurücknehmen.`,
    allow: 'Zulassen',
    deny: 'Ablehnen',
    vouchedBy: {
      onboarding: legalName =>
        html`Geprüft: Die Betreiber dieses Servers haben die Anwendung geprüft. Für sie steht <strong><bdi>${legalName}</bdi></strong> ein.`,
      operator:
        'Nicht geprüft: Die Betreiber dieses Servers haben die Anwendung eingetragen, aber niemand hat hier geprüft, wer für sie einsteht.',
      statement:
        'Nicht geprüft: Die Anwendung hat sich selbst eingetragen, mit einer unterschriebenen Erklärung, der dieser Server traut. Aber niemand hat hier geprüft, wer für sie einsteht.',
      nobody:
        'Nicht geprüft: Die Anwendung hat sich selbst eingetragen, und niemand steht für ihren Namen ein.',
    },
    remembered: time =>
      `Danach werden Sie ${time} lang nicht noch einmal gefragt. In Ihrem Konto können Sie das ändern.`,
  },
  claims: {
    name: 'Ihr voller Name',
    given_name: 'Ihr Vorname',
    family_name: 'Ihr Nachname',
    middle_name: 'Ihr zweiter Vorname',
    nickname: 'Ihr Spitzname',
    preferred_username: 'Der Name, mit dem Sie angesprochen werden möchten',
    profile: 'Die Adresse Ihrer Profilseite',
    picture: 'Ihr Bild',
    website: 'Die Adresse Ihrer Website',
    email: 'Ihre E-Mail-Adresse',
    email_verified: 'Ob Ihre E-Mail-Adresse bestätigt wurde',
    gender: 'Ihr Geschlecht',
    birthdate: 'Ihr Geburtsdatum',
    zoneinfo: 'Ihre Zeitzone',
    locale: 'Ihre Sprache und Region',
    phone_number: 'Ihre Telefonnummer',
    phone_number_verified: 'Ob Ihre Telefonnummer bestätigt wurde',
    address: 'Ihre Postanschrift',
    updated_at: 'Wann Ihre Angaben zuletzt geändert wurden',
  },
  device: {
    title: 'Gerät verbinden',
    problemTitle: 'Problem: Gerät verbinden',
    enterCode: 'Geben Sie den Code ein, den Ihr Gerät anzeigt.',
    checkCode: 'Prüfen Sie, dass Ihr Gerät genau diesen Code anzeigt.',
    code: 'Code',
    submit: 'Weiter',
    warning:
      'Hat Ihnen jemand diesen Code geschickt? Dann schließen Sie diese Seite: Mit dem Code könnte ein fremdes Gerät für Sie handeln.',
    wrong:
      'Dieser Code stimmt nicht oder gilt nicht mehr. Vergleichen Sie ihn mit Ihrem Gerät und versuchen Sie es noch einmal.',
    wait: 'Es gab zu viele falsche Codes. Warten Sie zehn Minuten und beginnen Sie dann am Gerät von vorn.',
    confirmTitle: clientName => `${clientName} verbinden?`,
    confirmHeading: clientName => html`<span class="name">${clientName}</span> verbinden?`,
    confirmLead: 'Ein Gerät bittet über diese Anwendung um Zugriff.',
    application: 'Anwendung',
    network: 'Das Gerät fragt aus dem Netz',
    confirmWarning:
      'Machen Sie nur weiter, wenn das Gerät Ihnen gehört, vor Ihnen steht und Ihnen den Code selbst gezeigt hat. Hat Ihnen jemand den Code geschickt, brechen Sie ab.',
    mine: 'Es ist mein Gerät',
    stop: 'Abbrechen',
    allowedTitle: 'Ihr Gerät ist verbunden',
    allowed: 'Sie können diese Seite schließen. Ihr Gerät macht in wenigen Sekunden von selbst weiter.',
    deniedTitle: 'Ihr Gerät wurde nicht verbunden',
    denied: 'Es wurde nichts weitergegeben und kein Zugriff erteilt. Sie können diese Seite schließen.',
  },
  approvals: {
    title: 'Wartet etwas auf Ihre Antwort?',
    lead: 'Hier erlauben Sie oder lehnen Sie ab, was Sie anderswo begonnen haben: an der Kasse, am Telefon, an einem anderen Gerät.',
    submit: 'Anmelden und nachsehen',
    notStarted:
      'Hat Sie jemand hierher geschickt, und Sie haben nichts begonnen? Dann schließen Sie diese Seite.',
    waitingTitle: 'Etwas wartet auf Ihre Antwort',
    nothingTitle: 'Nichts wartet auf Sie',
    again: 'Noch einmal nachsehen',
    endsByItself: 'Anfragen enden nach einer Weile von selbst. Diese Seite zu schließen beantwortet nichts.',
    asked: minutes =>
      minutes === 0
        ? 'Gerade eben gefragt'
        : minutes === 1
          ? 'Vor einer Minute gefragt'
          : `Vor ${minutes} Minuten gefragt`,
    compare: 'Machen Sie nur weiter, wenn dort, wo Sie begonnen haben, genau das steht:',
    usedAt: (name, host) =>
      html`Nutzen kann sie es bei <strong>${name}</strong> <span class="quiet">${host}</span>`,
    ifNotYours:
      'Sie haben das nicht begonnen, oder jemand bittet Sie am Telefon, es zu erlauben? Dann lehnen Sie ab.',
    allowed: clientName =>
      `Sie haben ${clientName} den Zugriff erlaubt. Es geht dort von selbst weiter; Sie können diese Seite schließen.`,
    denied: clientName => `Sie haben ${clientName} abgelehnt. Es wurde nichts weitergegeben.`,
    late: 'Das wurde schon beantwortet, oder es hat zu lange gewartet. Ihre Antwort hat nichts geändert.',
    unreachable: clientName =>
      `${clientName} verlangt eine stärkere Anmeldung, als Sie eingerichtet haben. Es wurde nichts erlaubt.`,
    setUp: 'Eine stärkere Anmeldung einrichten',
  },
  groupApprovals: {
    alsoNeeded: groups =>
      `Auch andere müssen dem zustimmen: ${groups}. Wenn Sie es erlauben, werden sie gefragt.`,
    isGiven:
      'Die anderen, die zustimmen mussten, haben zugestimmt. Erlauben Sie es jetzt, damit es weitergeht.',
    waitingTitle: 'Warten auf Zustimmung',
    waitingLead: clientName =>
      html`Sie haben <strong>${clientName}</strong> den Zugriff erlaubt. Andere müssen zustimmen, bevor es weitergeht.`,
    stillMissing: groups => `Noch nicht beantwortet: ${groups}`,
    approvedAlready: groups => `Zugestimmt: ${groups}`,
    looksAgain: 'Diese Seite sieht alle 15 Sekunden nach und macht dann von selbst weiter.',
    lookNow: 'Jetzt nachsehen',
    stopLooking: 'Nicht von selbst nachsehen',
    mayClose: time =>
      `Sie können sie auch schließen und in der Anwendung später neu beginnen. Eine Zustimmung gilt höchstens ${time}.`,
    giveUp: 'Aufgeben',
    section: 'Ihre Zustimmung wird gebraucht',
    heading: clientName => html`<span class="name">${clientName}</span> zustimmen?`,
    forUser: username => html`Die Anwendung bittet <strong>${username}</strong>, das zu erlauben:`,
    forItself: 'Die Anwendung will das für sich selbst, für niemanden sonst:',
    asMember: group => html`Gefragt sind Sie als Mitglied von <strong>${group}</strong>.`,
    others: groups => `Auch diese müssen zustimmen, jeweils durch eine andere Person: ${groups}.`,
    once: time => `Ihre Zustimmung gilt einmal, höchstens ${time}, und nur für genau das.`,
    again: time => `Ihre Zustimmung gilt ${time} lang immer wieder, und nur für genau das.`,
    yourName: 'Ihr Name wird mit Ihrer Antwort aufbewahrt.',
    approve: 'Zustimmen',
    refuse: 'Ablehnen',
    approved: clientName => `Sie haben zugestimmt. ${clientName} kann weitermachen.`,
    approvedOthersMissing: (clientName, groups) =>
      `Sie haben zugestimmt. Bevor ${clientName} weitermachen kann, müssen noch antworten: ${groups}.`,
    refused: clientName => `Sie haben abgelehnt. ${clientName} erfährt das.`,
    asked: (clientName, groups) =>
      `Auch andere müssen ${clientName} zustimmen und wurden gefragt: ${groups}. Wenn sie es getan haben, erlauben Sie es hier noch einmal.`,
    onAccount: 'Nachsehen, was auf Ihre Zustimmung wartet',
  },
  logout: {
    title: 'Abmelden?',
    signedInAs: username => html`Sie sind angemeldet als <strong>${username}</strong>.`,
    asks: clientName => html`<strong>${clientName}</strong> möchte Sie abmelden.`,
    again: 'Sie müssen sich wieder anmelden, wenn eine Anwendung Sie das nächste Mal hierher schickt.',
    beyond: 'Zugriff, den Sie über die Abmeldung hinaus erlaubt haben, behält die Anwendung.',
    signOut: 'Abmelden',
    stay: 'Angemeldet bleiben',
    signedOutTitle: 'Sie sind abgemeldet',
    signedOut: host => html`In diesem Browser ist niemand bei <strong>${host}</strong> angemeldet.`,
    backTo: clientName => `Zurück zu ${clientName}`,
    elsewhere: 'Abmeldung an anderer Stelle',
    stillTitle: 'Sie sind weiterhin angemeldet',
    still: 'Es wurde nichts geändert. Sie können diese Seite schließen.',
  },
  formPost: {
    title: 'Zurück zur Anwendung',
    lead: host =>
      html`Sie sind auf dem Weg zu <strong>${host}</strong>. Wenn nichts geschieht, drücken Sie auf „Weiter“.`,
    submit: 'Weiter',
  },
  errors: {
    refused: {
      title: 'Diese Anfrage kann nicht fortgesetzt werden',
      notice: 'Es wurde nichts weitergegeben und kein Zugriff erteilt.',
      advice:
        'Gehen Sie zurück zur Anwendung und beginnen Sie von vorn. Geschieht es noch einmal, nennen Sie den ' +
        'Betreibern der Anwendung die Kennung unten.',
    },
    cookies: {
      title: 'Ihr Browser hat unser Cookie nicht gesendet',
      notice: 'Es wurde nichts weitergegeben und niemand angemeldet.',
      advice:
        'Erlauben Sie dieser Website Cookies, gehen Sie zurück zur Anwendung und beginnen Sie von vorn.',
    },
    unchanged: {
      title: 'Hier geht es nicht weiter',
      notice: 'Es wurde nichts geändert.',
      advice:
        'Gehen Sie zurück und versuchen Sie es noch einmal. Geschieht es wieder, sagen Sie es den Betreibern dieses Dienstes.',
    },
    answered: {
      title: 'Das wurde schon beantwortet',
      notice: 'Ihre erste Antwort zählt. Diese Seite hat nichts geändert.',
      advice: 'Gehen Sie zurück zur Anwendung. Kennt sie Sie dort nicht, beginnen Sie von vorn.',
    },
    ours: {
      title: 'Wir können gerade nicht antworten',
      notice: 'Bei uns hat etwas nicht funktioniert. Es liegt nicht an Ihnen.',
      advice: 'Warten Sie einen Moment, gehen Sie zurück zur Anwendung und beginnen Sie von vorn.',
    },
    logout: {
      title: 'Diese Abmelde-Anfrage stimmt nicht',
      notice: 'Es wurde nichts geändert.',
      advice: 'Gehen Sie zurück zur Anwendung und versuchen Sie es noch einmal.',
    },
    logoutSignedIn: {
      title: 'Diese Abmelde-Anfrage stimmt nicht',
      notice: 'Sie wurden nicht abgemeldet.',
      advice:
        'Die Anwendung hat auf eine Weise gefragt, der wir nicht trauen können. Sie können sich hier trotzdem abmelden.',
    },
  },
  errorFacts: { error: 'Fehler', meaning: 'Bedeutung', reference: 'Kennung' },
  meanings: {
    invalid_request: 'die Anfrage ist fehlerhaft oder unvollständig',
    invalid_client: 'die Anwendung konnte sich nicht ausweisen',
    invalid_grant: 'die Erlaubnis ist ungültig, abgelaufen, verbraucht oder für jemand anderen',
    invalid_request_object: 'die signierte Anfrage wird nicht angenommen',
    request_uri_not_supported: 'nur Anfrage-Adressen von uns selbst werden angenommen',
    unauthorized_client: 'diese Anwendung darf das nicht',
    unsupported_grant_type: 'diese Art von Erlaubnis wird nicht unterstützt',
    unsupported_response_type: 'diese Art von Antwort wird nicht unterstützt',
    invalid_scope: 'eine Berechtigung ist unbekannt oder für diese Anwendung nicht vorgesehen',
    invalid_target: 'ein Ziel ist unbekannt oder für diese Anwendung nicht vorgesehen',
    authorization_pending: 'die Antwort steht noch aus',
    slow_down: 'zwischen den Anfragen müssen ab jetzt fünf Sekunden mehr liegen',
    expired_token: 'der Gerätecode ist abgelaufen: beginnen Sie von vorn',
    unknown_user_id: 'der genannte Benutzer ist nicht bekannt',
    invalid_binding_message: 'die Vergleichsnachricht fehlt oder ist nicht zulässig',
    access_denied: 'die Anfrage wurde abgelehnt',
    invalid_dpop_proof: 'der Schlüsselnachweis fehlt oder ist ungültig',
    use_dpop_nonce: 'die Anfrage muss mit der Nonce dieser Antwort wiederholt werden',
    use_attestation_challenge: 'die Anfrage muss mit der Challenge dieser Antwort wiederholt werden',
    use_fresh_attestation: 'die Bescheinigung der Anwendung ist abgelaufen',
    invalid_grant_id: 'die genannte Erlaubnis gibt es nicht, oder sie gehört jemand anderem',
    invalid_redirect_uri: 'eine Rücksprungadresse ist nicht erlaubt',
    invalid_client_metadata: 'die Angaben der Anwendung sind nicht erlaubt',
    invalid_software_statement: 'die Bescheinigung der Software fehlt oder ist ungültig',
    unapproved_software_statement: 'die Bescheinigung der Software ist hier nicht zugelassen',
    invalid_token: 'der Zugriffstoken fehlt, ist ungültig oder abgelaufen',
    insufficient_scope: 'dem Zugriffstoken fehlt eine Berechtigung',
    server_error: 'bei uns ist etwas kaputtgegangen',
    temporarily_unavailable: 'versuchen Sie es später noch einmal',
    other: 'die Anfrage wurde abgelehnt',
  },
}
