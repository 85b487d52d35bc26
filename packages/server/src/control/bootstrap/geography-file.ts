import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { type Geography, GeographyBuilder, type GeographyRow } from '../../data/risk/geography.ts'
import { type Checked, checked, wrong } from '../problem.ts'

/** What the networks that are kept take, with room for columns that are not read. */
export const geographyBytesMax = 268_435_456
/** Characters of one line. */
const lineLengthMax = 4096
/** Read in one go. */
const chunkBytes = 65_536

/**
 * Reads which network is where: CSV whose first line names its columns, among them `network` and `latitude` with
 * `longitude`, `country`, or all of these, or a JSON object of these on each line. Every line is read or is a problem;
 * one without a place and a country is passed over.
 */
export function readGeography(path: string): Checked<Geography> {
  const no = (message: string, line?: number) =>
    wrong({ document: line === undefined ? path : `${path}:${line}`, field: 'risk.geographyFile', message })
  const builder = new GeographyBuilder()
  let rowOf: ((line: string) => GeographyRow | undefined) | undefined
  let number = 0
  try {
    for (const line of linesOf(path)) {
      number += 1
      if (line.length > lineLengthMax) return no('the line is too long', number)
      if (line.trim() === '') continue
      if (rowOf === undefined) {
        rowOf = line.startsWith('{') ? rowOfJson : csvReader(line)
        if (rowOf === undefined)
          return no(
            'the first line names no columns `network` and `latitude` with `longitude` or `country`',
            number,
          )
        if (rowOf !== rowOfJson) continue
      }
      const row = rowOf(line)
      if (row === undefined) return no('the line has another form than the first one', number)
      if (row.latitude === '' && row.longitude === '' && row.country === '') continue
      const problem = builder.add(row)
      if (problem !== undefined) return no(problem, number)
    }
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
    return no(`cannot read it (${code})`)
  }
  return checked(builder.build())
}

/** Line by line, so that a large file never stands in memory whole. */
function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r')
  try {
    if (fstatSync(file).size > geographyBytesMax)
      throw Object.assign(new Error('too large'), { code: `larger than ${geographyBytesMax} bytes` })
    const decoder = new StringDecoder('utf8')
    const chunk = Buffer.alloc(chunkBytes)
    let rest = ''
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
      const lines = (rest + decoder.write(chunk.subarray(0, read))).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield line.replace(/\r$/, '')
      // A line without an end is told as too long, and not gathered for ever.
      if (rest.length > lineLengthMax) break
    }
    if (rest !== '') yield rest
  } finally {
    closeSync(file)
  }
}

function csvReader(header: string): ((line: string) => GeographyRow | undefined) | undefined {
  const columns = fieldsOf(header.replace(/^\uFEFF/, ''))
  const at = (name: string): number => columns?.indexOf(name) ?? -1
  const [network, latitude, longitude, country] = [
    at('network'),
    at('latitude'),
    at('longitude'),
    at('country'),
  ]
  const isWhole = (latitude === -1) === (longitude === -1)
  if (network === -1 || !isWhole || (latitude === -1 && country === -1)) return undefined
  return line => {
    const fields = fieldsOf(line)
    if (fields === undefined || fields.length !== columns?.length) return undefined
    return {
      network: fields[network] ?? '',
      latitude: fields[latitude] ?? '',
      longitude: fields[longitude] ?? '',
      country: fields[country] ?? '',
    }
  }
}

/** Undefined when a quote is not closed. */
function fieldsOf(line: string): readonly string[] | undefined {
  if (!line.includes('"')) return line.split(',')
  const fields: string[] = []
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y
  while (pattern.lastIndex <= line.length) {
    const found = pattern.exec(line)
    if (found === null) return undefined
    fields.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '')
    if (found[3] === '') return fields
  }
  return undefined
}

function rowOfJson(line: string): GeographyRow | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { network, latitude = '', longitude = '', country = '' } = value as Readonly<Record<string, unknown>>
  if (typeof network !== 'string' || typeof country !== 'string') return undefined
  if (typeof latitude === 'number' && typeof longitude === 'number')
    return { network, latitude, longitude, country }
  return latitude === '' && longitude === '' ? { network, latitude, longitude, country } : undefined
}
