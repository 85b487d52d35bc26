import type { DetailType } from './detail-type.ts'

/** Two types as an operator might write them: for tests, here and in the server. */

const optional = { required: false } as const
const required = { required: true } as const

export const paymentType: DetailType = {
  name: 'payment_initiation',
  title: 'Make a payment',
  description: 'Move money from one of your accounts, once.',
  audience: 'https://payments.example',
  fields: [
    {
      ...{ name: 'instructedAmount', label: 'Amount', kind: 'amount', ...required },
      ...{ currencies: ['EUR', 'GBP'], most: '10000', narrowing: 'at-most' },
    },
    {
      ...{ name: 'creditorName', label: 'To', kind: 'text', ...required },
      ...{ format: 'plain', lengthMax: 70, narrowing: 'same' },
    },
    {
      ...{ name: 'creditorAccount', label: 'Account', kind: 'object', ...required },
      fields: [
        {
          ...{ name: 'iban', label: 'IBAN', kind: 'text', ...required },
          ...{ format: 'iban', lengthMax: 34, narrowing: 'same' },
        },
      ],
    },
    {
      ...{ name: 'executionDate', label: 'Not later than', kind: 'text', ...optional },
      ...{ format: 'date', lengthMax: 10, narrowing: 'at-most' },
    },
  ],
}

export const payment = {
  type: 'payment_initiation',
  instructedAmount: { currency: 'EUR', amount: '123.50' },
  creditorName: 'Merchant A',
  creditorAccount: { iban: 'DE89370400440532013000' },
} as const

export const readingType: DetailType = {
  name: 'account_reading',
  title: 'Read your accounts',
  description: 'See what is on your accounts, as often as it wants.',
  audience: 'https://accounts.example',
  fields: [
    {
      ...{ name: 'actions', label: 'It may', kind: 'list', ...required },
      choices: [
        { value: 'list', words: 'list your accounts' },
        { value: 'read', words: 'read balances' },
        { value: 'history', words: 'read past payments' },
      ],
      ...{ format: 'plain', lengthMax: 40, itemsMax: 3, narrowing: 'subset' },
    },
    {
      ...{ name: 'limit', label: 'Entries at most', kind: 'integer', ...optional },
      ...{ least: 1, most: 1000, narrowing: 'at-most' },
    },
    { name: 'history', label: 'Closed accounts too', kind: 'boolean', ...optional },
    {
      ...{ name: 'period', label: 'Per', kind: 'choice', ...optional },
      choices: [
        { value: 'day', words: 'day' },
        { value: 'month', words: 'calendar month' },
      ],
    },
    {
      ...{ name: 'document', label: 'Agreement', kind: 'text', ...optional },
      ...{ format: 'uri', lengthMax: 200, narrowing: 'same' },
    },
    {
      ...{ name: 'startDate', label: 'Not before', kind: 'text', ...optional },
      ...{ format: 'date', lengthMax: 10, narrowing: 'at-least' },
    },
  ],
}

export const types: ReadonlyMap<string, DetailType> = new Map(
  [paymentType, readingType].map(type => [type.name, type]),
)
