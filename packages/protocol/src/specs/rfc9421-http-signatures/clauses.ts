import { type ClauseManifest, notApplicable, ruled, shown } from '../../clause.ts'

export const manifest: ClauseManifest = {
  spec: 'rfc9421-http-signatures',
  title: 'HTTP Message Signatures',
  url: 'https://www.rfc-editor.org/rfc/rfc9421',
  clauses: [
    { id: 'RFC9421-2', level: 'MUST', says: 'A covered component is named once.', standing: ruled },
    {
      id: 'RFC9421-2.1',
      level: 'MAY',
      says: 'A component has parameters: `sf`, `key`, `bs`, `tr`.',
      standing: notApplicable('only `req` is read; a component with another parameter is refused'),
    },
    {
      id: 'RFC9421-2.2',
      level: 'MAY',
      says: 'Further derived components: `@authority`, `@path`, `@query` and others.',
      standing: notApplicable('`@target-uri` has them all, and is covered always'),
    },
    { id: 'RFC9421-2.3', level: 'MUST', says: 'Parameters have the types of the registry.', standing: ruled },
    {
      id: 'RFC9421-2.3-1',
      level: 'MUST',
      says: 'A signature is not used after `expires`.',
      standing: ruled,
    },
    {
      id: 'RFC9421-2.4',
      level: 'MUST',
      says: '`req` takes a component from the request that is answered.',
      standing: shown('a response is signed over what was asked, and another library verifies it'),
    },
    {
      id: 'RFC9421-2.5',
      level: 'MUST',
      says: 'The base has one line for each component, its name as it stands in the list.',
      standing: ruled,
    },
    {
      id: 'RFC9421-2.5-1',
      level: 'MUST',
      says: 'A component that is not there, or has a line break, makes no signature base.',
      standing: ruled,
    },
    {
      id: 'RFC9421-3.2',
      level: 'MUST',
      says: 'The verifier chooses algorithm and key.',
      standing: ruled,
    },
    {
      id: 'RFC9421-3.3.7',
      level: 'MUST',
      says: 'With the algorithms of JWS, the key says which; PS256 has no name in `alg`.',
      standing: ruled,
    },
    { id: 'RFC9421-4', level: 'MUST', says: 'Both fields are dictionaries.', standing: ruled },
    {
      id: 'RFC9421-4.2',
      level: 'MUST',
      says: 'A signature has the label of its input.',
      standing: ruled,
    },
    {
      id: 'RFC9421-5.1',
      level: 'MAY',
      says: '`Accept-Signature` says which signature is wanted.',
      standing: shown('who signs nothing is told what to sign'),
    },
  ],
}
