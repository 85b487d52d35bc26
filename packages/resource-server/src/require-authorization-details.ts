import type { AuthorizationDetail } from '@holdfast/protocol/specs/rfc9396-rar/detail-type.ts'
import type { Decide, Question } from './decide.ts'

/**
 * A decision hook: some authorization detail of this type in the token covers the request (RFC 9396 section 9). A
 * token without one, and a type that this API does not name, grant nothing.
 * @param type name of the type, compared exactly
 * @param covers whether a detail allows this very request, e.g. this amount to this account; only `true` counts
 */
export function requireAuthorizationDetails<
  Detail extends AuthorizationDetail = AuthorizationDetail,
  Native = unknown,
>(
  type: Detail['type'],
  covers: (detail: Detail, question: Question<Native>) => boolean | Promise<boolean>,
): Decide<Native> {
  return async question => {
    const details = question.token.authorizationDetails.filter(detail => detail.type === type)
    for (const detail of details)
      if ((await covers(detail as Detail, question)) === true) return { allow: true }
    const reason =
      details.length === 0
        ? `the token has no authorization detail of type \`${type}\``
        : `no authorization detail of type \`${type}\` covers the request`
    return { allow: false, reason }
  }
}
