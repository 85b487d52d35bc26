/** Where endpoints stand below the issuer. The route table and the metadata both read this list. */
export const paths = {
  par: '/par',
  authorize: '/authorize',
  token: '/token',
  introspect: '/introspect',
  revoke: '/revoke',
  userinfo: '/userinfo',
  jwks: '/jwks',
  challenge: '/challenge',
  login: '/interaction/:id/login',
  consent: '/interaction/:id/consent',
  logout: '/logout',
  logoutConfirm: '/logout/confirm',
  asset: '/assets/:name',
  openidConfiguration: '/.well-known/openid-configuration',
  authorizationServer: '/.well-known/oauth-authorization-server',
} as const
