// Asks Holdfast, then hands the request to the API with what Holdfast says in place of the client's token.

const passedBack = ['Content-Type', 'Cache-Control', 'WWW-Authenticate', 'DPoP-Nonce', 'Retry-After', 'Allow']

async function swap(r) {
  const answer = await r.subrequest('/_holdfast')
  if (answer.status !== 200) {
    passedBack.forEach(name => {
      if (answer.headersOut[name]) r.headersOut[name] = answer.headersOut[name]
    })
    // A check that did not answer is no answer: 502 and 504 of the subrequest are not the API's.
    return r.return(answer.status >= 500 ? 503 : answer.status, answer.responseText)
  }
  const variables = r.variables
  variables.holdfast_token = answer.headersOut['Holdfast-Token'] || ''
  variables.holdfast_evidence = answer.headersOut['Holdfast-Evidence'] || ''
  variables.holdfast_request_id = answer.headersOut['X-Request-Id'] || ''
  variables.holdfast_nonce = answer.headersOut['DPoP-Nonce'] || ''
  return r.internalRedirect('@accounts')
}

// RFC 9440: the DER of the certificate in base64 between colons. PEM is that with lines around it.
function clientCert(r) {
  const pem = r.variables.ssl_client_raw_cert
  if (!pem) return ''
  const der = pem.replace(/-----[A-Z ]+-----/g, '').replace(/\s/g, '')
  return `:${der}:`
}

// biome-ignore lint/style/noDefaultExport: njs reads this one
export default { swap, clientCert }
