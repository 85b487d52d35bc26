import { type Entities, prepareEntities } from '../decide.ts'
import { compilePolicySet, type PolicySet } from '../policy-set.ts'
import { type Parsed, parseQuestion, type Question } from '../question.ts'

/** A small world for tests: customers in teams, accounts, one tagged vault. */
export const bankSchema = `
  type Place = { street: String }; namespace Bots { type Size = Long; entity Robot = { size: Size }; }
  entity Team in [Team];
  entity Customer in [Team] = { level: Long, boss?: Customer };
  entity Color enum ["red", "blue"];
  entity Vault = { color: Color, seen: Set<String>, where?: Place } tags Long;
  action "use";
  action "read", "pay" in ["use"] appliesTo {
    principal: Customer, resource: Vault, context: {
      amount: Long, address?: ipaddr, at?: datetime, limit?: decimal, by?: Bots::Robot, from?: Place
    }
  };`

export function must<Value>(parsed: Parsed<Value>): Value {
  if (!parsed.ok)
    throw new Error(parsed.problems.map(({ place, message }) => `${place}: ${message}`).join('\n'))
  return parsed.value
}

export function compileBank(policies: string): Parsed<PolicySet> {
  return compilePolicySet({
    schema: { name: 'bank.cedarschema', text: bankSchema },
    policies: { 'bank.cedar': policies },
  })
}

export const uid = (type: string, id: string) => ({ type, id })

export const vault = {
  uid: uid('Vault', 'v'),
  attrs: { color: { __entity: uid('Color', 'red') }, seen: ['ada'], where: { street: 'Main' } },
  parents: [],
  tags: { floor: 2 },
}

export const ada = { uid: uid('Customer', 'ada'), attrs: { level: 3 }, parents: [uid('Team', 'gold')] }
export const gold = { uid: uid('Team', 'gold'), attrs: {}, parents: [uid('Team', 'all')] }

const all = { uid: uid('Team', 'all'), attrs: {}, parents: [] }
const robot = { uid: uid('Bots::Robot', 'r'), attrs: { size: 3 }, parents: [] }

export const bankEntities = [vault, ada, gold, all, robot]

export function entitiesOf(set: PolicySet): Entities {
  return must(prepareEntities(set, bankEntities))
}

/** Ada pays ten from the vault, unless told otherwise. */
export function questionOf(change: Readonly<Record<string, unknown>> = {}): Question {
  return must(
    parseQuestion({
      principal: uid('Customer', 'ada'),
      action: uid('Action', 'pay'),
      resource: uid('Vault', 'v'),
      context: { amount: 10 },
      ...change,
    }),
  )
}
