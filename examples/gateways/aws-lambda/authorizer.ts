import { lambdaAuthorizer } from '@holdfast/gateway/check/lambda-authorizer.ts'

/** Settings come from the environment of the function; the key from a secret that is mounted into it. */
const { HOLDFAST_CHECK_URL = '', HOLDFAST_CHECK_KEY = '', API_HOST = '' } = process.env

export const handler = lambdaAuthorizer({
  checkUrl: HOLDFAST_CHECK_URL,
  checkKey: HOLDFAST_CHECK_KEY,
  host: API_HOST,
})
