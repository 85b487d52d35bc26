-- Asks Holdfast about every request. Whatever goes wrong, nobody is let in.
local http = require "resty.http"

-- Before every plugin that believes a request, after those of the edge.
local plugin = { PRIORITY = 1240, VERSION = "1.0.0" }

local not_asked = {
  ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["host"] = true,
  ["http2-settings"] = true, ["keep-alive"] = true, ["proxy-connection"] = true, ["te"] = true,
  ["trailer"] = true, ["transfer-encoding"] = true, ["upgrade"] = true, ["client-cert"] = true,
}

-- Nothing of the client goes on but what stands here.
local passed = {
  ["host"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["accept"] = true,
  ["accept-language"] = true, ["content-type"] = true, ["if-match"] = true, ["if-none-match"] = true,
  ["idempotency-key"] = true, ["range"] = true, ["traceparent"] = true, ["user-agent"] = true,
  ["x-fapi-interaction-id"] = true,
}

local passed_back = { "content-type", "cache-control", "www-authenticate", "dpop-nonce", "retry-after", "allow" }
local answered = { "holdfast-token", "holdfast-evidence", "x-request-id" }

-- As many as Kong shows at once. The check refuses far fewer, but not all of them are put to it.
local headers_max = 1000

local function unavailable()
  return kong.response.exit(503, nil, { ["Retry-After"] = "1" })
end

function plugin:access(conf)
  local names, asked = {}, {}
  local headers, is_cut = kong.request.get_headers(headers_max)
  -- What is hidden could not be taken away before the API.
  if is_cut then return kong.response.exit(431) end
  for name, value in pairs(headers) do
    name = name:lower()
    names[#names + 1] = name
    local is_ours = name:find("^x%-forwarded%-") or name:find("^holdfast%-check%-")
    if not not_asked[name] and not is_ours then asked[name] = value end
  end
  asked["x-forwarded-method"] = kong.request.get_method()
  asked["x-forwarded-proto"] = kong.request.get_scheme()
  asked["x-forwarded-host"] = kong.request.get_header("host")
  asked["x-forwarded-uri"] = ngx.var.request_uri
  asked["x-forwarded-for"] = kong.client.get_ip()
  asked["holdfast-check-id"] = ngx.var.request_id
  asked["holdfast-check-key"] = conf.key

  local client = http.new()
  client:set_timeout(conf.timeout)
  local answer = client:request_uri(conf.url, { method = "GET", headers = asked, ssl_verify = true })
  if not answer then return unavailable() end
  if answer.status ~= 200 then
    local back = {}
    for _, name in ipairs(passed_back) do back[name] = answer.headers[name] end
    return kong.response.exit(answer.status, answer.body, back)
  end

  for _, name in ipairs(names) do
    if not passed[name] then kong.service.request.clear_header(name) end
  end
  for _, name in ipairs(answered) do
    if type(answer.headers[name]) ~= "string" then return unavailable() end
    kong.service.request.set_header(name, answer.headers[name])
  end
  local nonce = answer.headers["dpop-nonce"]
  if nonce then kong.response.set_header("DPoP-Nonce", nonce) end
end

return plugin
