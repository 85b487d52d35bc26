-- Leaves of a request what the check and the API read. A list of what goes through cannot forget a spelling.
local known = {
  [":authority"] = true, [":method"] = true, [":path"] = true, [":scheme"] = true,
  ["authorization"] = true, ["dpop"] = true, ["content-length"] = true, ["transfer-encoding"] = true,
  ["content-encoding"] = true, ["x-forwarded-for"] = true, ["x-forwarded-proto"] = true, ["x-request-id"] = true,
  ["accept"] = true, ["accept-language"] = true, ["content-type"] = true, ["if-match"] = true,
  ["if-none-match"] = true, ["idempotency-key"] = true, ["range"] = true, ["traceparent"] = true,
  ["user-agent"] = true, ["x-fapi-interaction-id"] = true,
}

-- RFC 9440: the DER of the certificate in base64 between colons. Envoy has it as PEM, percent-encoded.
local function client_cert(handle)
  local tls = handle:streamInfo():downstreamSslConnection()
  local escaped = tls and tls:peerCertificatePresented() and tls:urlEncodedPemEncodedPeerCertificate()
  if not escaped or escaped == "" then return nil end
  local pem = escaped:gsub("%%(%x%x)", function(pair) return string.char(tonumber(pair, 16)) end)
  return ":" .. pem:gsub("%-%-%-%-%-[A-Z ]+%-%-%-%-%-", ""):gsub("%s", "") .. ":"
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local gone = {}
  for name in pairs(headers) do
    if not known[name] then gone[#gone + 1] = name end
  end
  for _, name in ipairs(gone) do headers:remove(name) end
  local certificate = client_cert(handle)
  if certificate then headers:add("client-cert", certificate) end
  -- Envoy's own, new for every request of a client: its check may be asked again under it.
  local id = headers:get("x-request-id")
  if id then headers:add("holdfast-check-id", id) end
end
