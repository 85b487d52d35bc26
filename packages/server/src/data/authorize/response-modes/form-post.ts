import { formPostView } from '../../pages/form-post.ts'
import { type ResponseMode, withIssuer } from '../response-mode.ts'

/** OAuth 2.0 Form Post Response Mode. */
export const formPost: ResponseMode = {
  mode: 'form_post',
  send: outgoing => formPostView(outgoing.exchange, outgoing.redirectUri, withIssuer(outgoing)),
}
