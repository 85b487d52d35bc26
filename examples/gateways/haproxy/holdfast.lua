-- Asks Holdfast about every request. Whatever goes wrong, nobody is let in.

-- The socket of the `listen` section: HAProxy itself speaks TLS from there, with its certificate.
local check = { url = "http://holdfast/check", dst = "abns@holdfast", timeout = 5000 }

-- Of the connection or of the body, which the check does not get; and what only we say.
local not_asked = {
  ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["host"] = true,
  ["http2-settings"] = true, ["keep-alive"] = true, ["proxy-connection"] = true, ["te"] = true,
  ["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true,
  ["x-forwarded-method"] = true, ["x-forwarded-proto"] = true, ["x-forwarded-host"] = true,
  ["x-forwarded-uri"] = true, ["x-forwarded-for"] = true,
  ["holdfast-check-id"] = true, ["holdfast-check-key"] = true,
}

local function values_of(field)
  local values = {}
  for index = 0, #field do values[#values + 1] = field[index] end
  return values
end

local function refuse(txn, status, headers, body)
  local reply = txn:reply({ status = status, body = body })
  for _, header in ipairs(headers) do reply:add_header(header[1], header[2]) end
  txn:done(reply)
end

local passed_back = { "content-type", "cache-control", "www-authenticate", "dpop-nonce", "retry-after", "allow" }

core.register_action("holdfast", { "http-req" }, function(txn)
  local headers = {}
  for name, field in pairs(txn.http:req_get_headers()) do
    if not not_asked[name] then headers[name] = values_of(field) end
  end
  headers["x-forwarded-method"] = { txn.sf:method() }
  headers["x-forwarded-proto"] = { "https" }
  headers["x-forwarded-host"] = { txn.sf:req_hdr("host") }
  headers["x-forwarded-uri"] = { txn:get_var("txn.holdfast_target") }
  headers["x-forwarded-for"] = { txn.sf:src() }
  headers["holdfast-check-id"] = { txn:get_var("txn.holdfast_id") }

  local answer = core.httpclient():get({
    url = check.url, dst = check.dst, timeout = check.timeout, headers = headers,
  })
  if answer == nil or answer.status == nil or answer.status < 200 then
    return refuse(txn, 503, { { "retry-after", "1" } }, "")
  end
  local function first(name)
    local field = answer.headers[name]
    return field and (field[0] or field[1])
  end
  if answer.status ~= 200 then
    local back = {}
    for _, name in ipairs(passed_back) do
      local value = first(name)
      if value then back[#back + 1] = { name, value } end
    end
    return refuse(txn, answer.status, back, answer.body or "")
  end
  local token, evidence, request_id = first("holdfast-token"), first("holdfast-evidence"), first("x-request-id")
  if not (token and evidence and request_id) then return refuse(txn, 503, { { "retry-after", "1" } }, "") end
  txn.http:req_set_header("holdfast-token", token)
  txn.http:req_set_header("holdfast-evidence", evidence)
  txn.http:req_set_header("x-request-id", request_id)
  txn:set_var("txn.holdfast_checked", "yes")
  local nonce = first("dpop-nonce")
  if nonce then txn:set_var("txn.holdfast_nonce", nonce) end
end, 0)
