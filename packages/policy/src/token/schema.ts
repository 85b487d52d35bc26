import type { PolicySource } from '../policy-set.ts'

const name = 'tokens.cedarschema'

/** The schema as it was before there was the moment `access`: versions that fit no later one still decide by it. */
export const schemaBeforeAccess: PolicySource['schema'] = {
  name,
  text: `// Who asks. \`authMethod\` is its token_endpoint_auth_method, \`profile\` the name of its own profile.
entity Client = {
  isPublic: Bool,
  isSelfRegistered: Bool,
  authMethod: String,
  profile: String
};
// For whom, and since which sign-in.
entity User;
entity Session;
// What for: the access that is asked for stands below each of its parts.
entity Scope;
entity Resource;
entity DetailsType;
entity Access in [Scope, Resource, DetailsType];

// What attribute sources told, by name: each is a tag of the one that holds its type. Ask with \`hasTag\` first.
entity Texts tags String;
entity Numbers tags Long;
entity Flags tags Bool;
entity Lists tags Set<String>;
type Attributes = {
  texts: Texts,
  numbers: Numbers,
  flags: Flags,
  lists: Lists
};

type Asked = {
  // \`development\` or \`production\`.
  environment: String,
  // Seconds since 1970.
  time: Long,
  // Name of the profile that applies to the whole request: the strictest of floor, client and all it asks for.
  tier: String,
  scopes: Set<Scope>,
  resources: Set<Resource>,
  detailsTypes: Set<DetailsType>
};

// How risky a request looks. Absent where no active policy reads it, and in records older than it.
type Risk = {
  // 0 to 100: the weights of the signals together.
  score: Long,
  // What speaks for a risk, such as \`new-device\`.
  signals: Set<String>,
  // Signals that could not be judged: a first sign-in has no other devices to compare with.
  unknown: Set<String>
};

// Moment 1: may this client act for this user at all? On the consent page, when a client asks without a browser
// (CIBA), when a token is exchanged, when another issuer vouches.
action "authorize" appliesTo {
  principal: Client,
  resource: Access,
  context: {
    asked: Asked,
    // Groups that approved this very request, freshly. Absent: none.
    approvedBy?: Set<String>,
    grantType: String,
    user: User,
    session?: Session,
    acr?: String,
    amr: Set<String>,
    authAgeSeconds?: Long,
    // Absent where no policy of this moment reads them, or no source is asked for policies.
    attributes?: Attributes,
    risk?: Risk
  }
};

// Moment 2: may this token be minted, and how far does it reach? At every grant.
action "mint" appliesTo {
  principal: Client,
  resource: Access,
  context: {
    asked: Asked,
    approvedBy?: Set<String>,
    grantType: String,
    // Absent when the client acts for itself.
    user?: User,
    session?: Session,
    acr?: String,
    amr: Set<String>,
    authAgeSeconds?: Long,
    // \`none\`, \`dpop\`, \`mtls\` or \`dpop+mtls\`.
    binding: String,
    lifetimeSeconds: Long,
    // Absent where no source is asked for policies. What a source does not know of somebody is not there.
    attributes?: Attributes,
    risk?: Risk
  }
};

// May this client register itself, or change what it registered?
action "register" appliesTo {
  principal: Client,
  resource: Access,
  context: {
    asked: Asked,
    grantTypes: Set<String>,
    redirectHosts: Set<String>,
    hasSoftwareStatement: Bool,
    // Id of the initial access token.
    initialToken: String,
    isUpdate: Bool
  }
};
`,
}

/**
 * What the authorization server asks policies about: a client that acts for a user, a token about to be minted, a call
 * with a token, a client that registers itself. Attach a policy to a client by `principal == Client::"…"`, to a scope,
 * a resource or a type of authorization details by `resource in Scope::"…"`.
 */
export const tokenSchema: PolicySource['schema'] = {
  name,
  text: `${schemaBeforeAccess.text}
// Moment 3: may this call be made, now? Asked by gateways and APIs, about a token they verified, with each request.
action "access" appliesTo {
  principal: Client,
  resource: Access,
  context: {
    // What the token is for: its scopes, its audience as resources, the types of its details.
    asked: Asked,
    // What is done and to what, in the words of the gateway or the API.
    operation: String,
    objectType: String,
    objectId: String,
    // As the API knows them: with pairwise subjects another one at each client. Absent when the client acts for itself.
    user?: User,
    acr?: String,
    amr: Set<String>,
    authAgeSeconds?: Long,
    // What the client proved with this very request: \`none\`, \`dpop\` or \`mtls\`.
    binding: String
  }
};
`,
}
