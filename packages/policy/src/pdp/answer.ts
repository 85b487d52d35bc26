import type { JsonObject } from '@holdfast/protocol/wire/json.ts'
import type { Decision } from '../decision.ts'
import type { Obligations } from '../obligations.ts'

/** An answer as it goes over the wire (AuthZEN section 5.5). */
export interface AccessAnswer {
  readonly decision: boolean
  readonly context: AccessContext
}

export interface AccessContext {
  /** Content hash of the policies that decided. */
  readonly policy_version: string
  /** Ids of the policies that made the decision. */
  readonly determining_policies?: readonly string[]
  /** On a deny: authentication that would turn it, any one of these (section 5.5.2). */
  readonly acr_values?: readonly string[]
  /** On a deny: groups that have to approve first, each of them. */
  readonly approval_required?: readonly string[]
  /** On a permit, for whoever said it meets them. */
  readonly obligations?: JsonObject
  /** Why the question could not be decided. */
  readonly error?: { readonly status: number; readonly message: string }
}

/** Obligations that change a token: only who mints one can meet them. */
export type TokenObligation = 'max_lifetime' | 'drop_scope' | 'drop_details' | 'add_claim'

/**
 * A decision for whoever asked over the wire. Nobody has to understand an obligation to be safe: a permit that holds
 * only under conditions is answered as a deny that says how to meet them, unless the context shows that they are met.
 * @param context of the question: `acr` in it is how the user authenticated
 */
export function answerOf(
  { decision, determining, errors, obligations, version }: Decision,
  context: JsonObject,
  meets: readonly TokenObligation[],
): AccessAnswer {
  const common = {
    policy_version: version,
    ...(determining.length > 0 && { determining_policies: determining }),
  }
  if (errors.length > 0)
    return { decision: false, context: { ...common, error: errorOf(errors.map(({ place }) => place)) } }
  const { acr } = context
  const stepUp = obligations.stepUp.filter(values => !values.some(value => value === acr))
  const { requireApproval, ask } = obligations
  const onToken = tokenObligations(obligations)
  // Nobody asks on from here.
  const isUnmet = ask.length > 0 || Object.keys(onToken).some(name => !meets.some(met => met === name))
  if (decision === 'deny' || stepUp.length > 0 || requireApproval.length > 0 || isUnmet)
    return {
      decision: false,
      context: {
        ...common,
        ...acrValues(stepUp),
        ...(requireApproval.length > 0 && { approval_required: requireApproval }),
      },
    }
  return {
    decision: true,
    context: { ...common, ...(Object.keys(onToken).length > 0 && { obligations: onToken }) },
  }
}

/** A question that was never asked of the policies. */
export function errorAnswer(status: number, message: string, version: string): AccessAnswer {
  return { decision: false, context: { policy_version: version, error: { status, message } } }
}

/** What went wrong inside a policy is for the log; that the question was malformed is for whoever asked it. */
function errorOf(places: readonly string[]): { readonly status: number; readonly message: string } {
  return places.every(place => place === 'question' || place === 'entities')
    ? { status: 400, message: 'the question does not fit the schema, or is about somebody unknown' }
    : { status: 500, message: 'a policy failed' }
}

/** One list that satisfies all: what every policy would take, or nothing where they ask for different things. */
function acrValues(lists: Obligations['stepUp']): Pick<AccessContext, 'acr_values'> {
  const [first, ...others] = lists
  if (first === undefined) return {}
  const all = first.filter(value => others.every(list => list.includes(value)))
  return all.length === 0 ? {} : { acr_values: all }
}

function tokenObligations({
  maxLifetimeSeconds,
  dropScopes,
  dropDetails,
  addClaims,
}: Obligations): JsonObject {
  return {
    ...(maxLifetimeSeconds !== undefined && { max_lifetime: maxLifetimeSeconds }),
    ...(dropScopes.length > 0 && { drop_scope: dropScopes }),
    ...(dropDetails.length > 0 && { drop_details: dropDetails }),
    ...(Object.keys(addClaims).length > 0 && { add_claim: addClaims }),
  }
}
