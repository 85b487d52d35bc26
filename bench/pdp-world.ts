import type * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { evaluationsMax } from '@holdfast/protocol/specs/authzen/rules.ts'

/** What the decision points of `pdp.ts` know: as many policies as entities, and questions about many of them. */

export interface World {
  readonly schema: string
  /** Texts by name of the file, none over what a document may hold. */
  readonly policies: Readonly<Record<string, string>>
  readonly entities: readonly Stored[]
  readonly questions: readonly Question[]
  /** The only entities a question about these two needs: who asks cedar-wasm finds them for it. */
  readonly needed: (subject: cedar.TypeAndId, resource: cedar.TypeAndId) => cedar.Entities
}

export interface Stored extends cedar.EntityJson {
  readonly uid: cedar.TypeAndId
  readonly parents: cedar.TypeAndId[]
}
/** One question in the form of cedar-wasm, and as AuthZEN has it. */
export interface Question {
  readonly asked: {
    readonly principal: cedar.TypeAndId
    readonly action: cedar.TypeAndId
    readonly resource: cedar.TypeAndId
    readonly context: cedar.Context
  }
  readonly message: object
}

/** Questions differ, so that nothing can be remembered from one to the next. */
const questionsCount = 240
const policiesPerFile = 2000

/** Of the questions here and of `policy.ts`. */
export const schema: string = `
  entity Team in [Team];
  entity User in [Team] = { level: Long, country: String };
  entity Folder in [Folder];
  entity Account in [Folder] = { owner: User, limit: Long };
  action use;
  action read, pay in [use] appliesTo {
    principal: User, resource: Account, context: { mfa: Bool, amount: Long, ip: ipaddr }
  };`

const uid = (type: string, id: string): cedar.TypeAndId => ({ type, id })

/** @param size policies, and entities: four in ten people, four in ten accounts, teams and folders */
export function worldOf(size: number): World {
  const few = size / 10
  const many = few * 4
  const policies = Array.from({ length: size }, (_, index) => policyText(index, few, many))
  const files = Array.from({ length: Math.ceil(size / policiesPerFile) }, (_, file) => [
    `part-${file}.cedar`,
    policies.slice(file * policiesPerFile, (file + 1) * policiesPerFile).join('\n'),
  ])
  const groups = Array.from({ length: few }, (_, index) => [groupOf('Team', index), groupOf('Folder', index)])
  const parties = Array.from({ length: many }, (_, index) => [userOf(index, few), accountOf(index, few)])
  const entities = [...groups, ...parties].flat()
  const known = new Map(entities.map(entity => [keyOf(entity.uid), entity]))
  return {
    schema,
    policies: Object.fromEntries(files),
    entities,
    questions: Array.from({ length: questionsCount }, (_, index) => questionOf(index, many)),
    needed: (subject, resource) => neededOf(known, [subject, resource]),
  }
}

const keyOf = ({ type, id }: cedar.TypeAndId): string => `${type}::${id}`

/** Those named, what stands above them, and who owns them. */
function neededOf(known: ReadonlyMap<string, Stored>, named: readonly cedar.TypeAndId[]): cedar.Entities {
  const needed = new Map<string, Stored>()
  const look = [...named]
  for (let uid = look.pop(); uid !== undefined; uid = look.pop()) {
    const entity = known.get(keyOf(uid))
    if (entity === undefined || needed.has(keyOf(uid))) continue
    needed.set(keyOf(uid), entity)
    look.push(...entity.parents)
    if (uid.type === 'Account') look.push(ownerOf(uid))
  }
  return [...needed.values()]
}

/** The text of one AuthZEN question. */
export function singleText({ message }: Question): string {
  return JSON.stringify(message)
}

/** The text of several at once, each written out. @param count at most `evaluationsMax` */
export function severalText(questions: readonly Question[], from: number, count: number): string {
  if (count > evaluationsMax) throw new TypeError(`at most ${evaluationsMax} questions fit one message`)
  const evaluations = Array.from(
    { length: count },
    (_, index) => questions[(from + index) % questions.length]?.message,
  )
  return JSON.stringify({ evaluations })
}

/** Team rules, folder rules, rules for one person; two guard rails hold for everybody, whatever the size. */
function policyText(index: number, few: number, many: number): string {
  const id = `@id("p${index}")`
  if (index < 2)
    return `${id} forbid (principal, action == Action::"pay", resource)
      when { context.amount > resource.limit + ${index} && !context.mfa };`
  if (index % 3 === 0)
    return `${id} permit (principal in Team::"t${index % few}", action in Action::"use", resource)
      when { principal.level >= ${index % 5} && principal.country == "DE" };`
  if (index % 3 === 1)
    return `${id} permit (principal, action == Action::"read", resource in Folder::"f${index % few}")
      when { context.ip.isInRange(ip("10.0.0.0/8")) };`
  return `${id} permit (principal == User::"u${index % many}", action, resource)
    when { resource.owner == principal } unless { context.amount > 1000 };`
}

const ownerOf = ({ id }: cedar.TypeAndId): cedar.TypeAndId => uid('User', `u${id.slice(1)}`)

const groupOf = (type: 'Team' | 'Folder', index: number): Stored => ({
  uid: uid(type, `${type === 'Team' ? 't' : 'f'}${index}`),
  attrs: {},
  parents: [],
})

const userOf = (index: number, few: number): Stored => ({
  uid: uid('User', `u${index}`),
  attrs: { level: index % 5, country: index % 2 === 0 ? 'DE' : 'FR' },
  parents: [uid('Team', `t${index % few}`)],
})

const accountOf = (index: number, few: number): Stored => ({
  uid: uid('Account', `a${index}`),
  attrs: { owner: { __entity: ownerOf(uid('Account', `a${index}`)) }, limit: 500 },
  parents: [uid('Folder', `f${index % few}`)],
})

/** Who asks, for which account, goes through everybody; half ask about an account of their own. */
function questionOf(index: number, many: number): Question {
  const who = (index * 37) % many
  const which = index % 2 === 0 ? who : (who + 1) % many
  const amount = [50, 700, 5000][index % 3] ?? 0
  const [principal, resource] = [uid('User', `u${who}`), uid('Account', `a${which}`)]
  const action = uid('Action', index % 4 < 2 ? 'read' : 'pay')
  const context = { mfa: amount > 1000, amount, ip: { __extn: { fn: 'ip', arg: '10.1.2.3' } } }
  return {
    asked: { principal, action, resource, context },
    message: { subject: principal, action: { name: action.id }, resource, context },
  }
}
