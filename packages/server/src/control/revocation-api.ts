/** The part of the admin API that ends access. */

export interface RevokeAccessRequest {
  readonly of: 'user' | 'client' | 'grant'
  /** Username, client id, or the id of a grant as the audit or its client names it. */
  readonly name: string
  /** Name or URL; needed when several issuers have one of this name. */
  readonly issuer?: string | undefined
}

export interface RevokedAccess {
  readonly issuer: string
  readonly of: RevokeAccessRequest['of']
  readonly name: string
  readonly reference: string
}

export interface RevokeTenantRequest {
  readonly tenant: string
  /** Name or URL; absent: every issuer of the tenant. */
  readonly issuer?: string | undefined
}

export interface RevokedTenant {
  readonly tenant: string
  /** URLs of the issuers at which all access ended. */
  readonly issuers: readonly string[]
  readonly reference: string
}
