/**
 * The one script of the pages that use passkeys, served from our own origin. It hands the options of a form to the
 * browser, puts the answer into the form and posts it; a page works without it, only passkeys do not.
 */
export const passkeyScript = `'use strict'
;(() => {
  const form = document.getElementById('passkey-form')
  if (!form || !window.PublicKeyCredential || !navigator.credentials) return
  const problem = document.getElementById('passkey-problem')
  const button = document.getElementById('passkey-submit')
  const options = JSON.parse(form.dataset.options)
  const isNew = form.dataset.ceremony === 'create'
  let waiting

  const bytes = text => {
    const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
    return Uint8Array.from(plain, character => character.charCodeAt(0))
  }
  const text = buffer =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=+$/, '')
  const listed = list => (list || []).map(one => ({ ...one, id: bytes(one.id) }))

  const publicKey = () =>
    isNew
      ? {
          ...options,
          challenge: bytes(options.challenge),
          user: { ...options.user, id: bytes(options.user.id) },
          excludeCredentials: listed(options.excludeCredentials),
        }
      : { ...options, challenge: bytes(options.challenge), allowCredentials: listed(options.allowCredentials) }

  const send = credential => {
    const { response } = credential
    const members = { clientDataJSON: text(response.clientDataJSON) }
    if (isNew) {
      members.attestationObject = text(response.attestationObject)
      members.transports = response.getTransports ? response.getTransports() : []
    } else {
      members.authenticatorData = text(response.authenticatorData)
      members.signature = text(response.signature)
      if (response.userHandle) members.userHandle = text(response.userHandle)
    }
    form.elements.credential.value = JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      response: members,
    })
    form.submit()
  }

  const ask = async mediation => {
    if (waiting) waiting.abort()
    waiting = new AbortController()
    const wish = { publicKey: publicKey(), signal: waiting.signal }
    const credential = isNew
      ? await navigator.credentials.create(wish)
      : await navigator.credentials.get(mediation ? { ...wish, mediation } : wish)
    if (credential) send(credential)
  }

  const say = error => {
    problem.textContent =
      error.name === 'InvalidStateError' ? problem.dataset.registered : problem.dataset.unused
    // Only now: an alert that says nothing is one too many.
    problem.setAttribute('role', 'alert')
    problem.hidden = false
    button.disabled = false
  }

  form.addEventListener('submit', event => {
    event.preventDefault()
    problem.hidden = true
    button.disabled = true
    ask().catch(say)
  })
  form.hidden = false

  if (form.dataset.autofill === 'yes' && PublicKeyCredential.isConditionalMediationAvailable)
    PublicKeyCredential.isConditionalMediationAvailable().then(
      isAvailable => isAvailable && ask('conditional').catch(() => undefined),
    )
})()
`
