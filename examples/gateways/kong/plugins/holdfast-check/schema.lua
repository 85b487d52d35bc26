local typedefs = require "kong.db.schema.typedefs"

return {
  name = "holdfast-check",
  fields = {
    { protocols = typedefs.protocols_http },
    {
      config = {
        type = "record",
        fields = {
          { url = { type = "string", required = true, match = "^https://" } },
          -- The key of `check.keyFiles` in gateway.yaml; from a vault, not from the file.
          { key = { type = "string", required = true, referenceable = true, encrypted = true, len_min = 43 } },
          { timeout = { type = "integer", default = 5000, between = { 1, 60000 } } },
        },
      },
    },
  },
}
