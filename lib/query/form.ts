/** The bodies of forms, read as hostile input: both kinds that browsers send, within limits. */

import { RequestError } from '../errors.js'
import { loadDependency } from '../peer.js'

/** How large a request may be. */
export interface FormLimits {
  /** The most bytes of a body. Default 1048576 (1 MiB); CGI.pm: `$CGI::POST_MAX`, by default without a limit. */
  bytes?: number
  /** The most fields of a form. Default 1000. */
  fields?: number
  /** The most files of a form; 0: none may be sent (CGI.pm: `$CGI::DISABLE_UPLOADS`). Default 20. */
  files?: number
}

/** A file that came with a form. */
export interface Upload {
  /** As the client calls it, without folders. It is the client's choice: never a name to store it by. */
  readonly filename: string
  /** What the client says that it is, such as `image/png`. */
  readonly type: string
  readonly bytes: Uint8Array
}

/** What a form holds: names and values in order, and the files; a file's value is its name. */
export interface Form {
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly uploads: readonly (readonly [name: string, upload: Upload])[]
}

/** As much as is used of the parser. */
interface Parser {
  on(event: 'field', listener: (name: string | undefined, value: string) => void): this
  on(
    event: 'file',
    listener: (name: string | undefined, file: Part, filename: string, _: string, type: string) => void,
  ): this
  on(event: 'error', listener: (error: Error) => void): this
  on(event: 'finish' | 'fieldsLimit' | 'filesLimit' | 'partsLimit', listener: () => void): this
  write(piece: Uint8Array): void
  end(): void
}
interface Part {
  on(event: 'data', listener: (chunk: Uint8Array) => void): this
  on(event: 'error', listener: (error: Error) => void): this
}
interface ParserOptions {
  readonly headers: { readonly 'content-type': string }
  readonly limits: Readonly<Record<'fields' | 'files' | 'parts' | 'fieldSize' | 'headerPairs', number>>
  isPartAFile(name: string | undefined, type: string | undefined, filename: string | undefined): boolean
}
type ParserPackage = new (options: ParserOptions) => Parser

/** Names and values of a query string, or of a body that is one; `;` parts them as `&` does, as CGI.pm has it. */
export function pairsOf(text: string): Iterable<readonly [name: string, value: string]> {
  // One question mark is taken for the beginning, and passed over.
  return new URLSearchParams(`?${text.replaceAll(';', '&')}`)
}

/** @throws {RequestError} when there are too many fields */
export function urlencodedForm(body: Buffer, { fields }: Required<FormLimits>): Form {
  const text = body.toString()
  if (text.split(/[&;]/, fields + 1).length > fields) throw tooMany('fields', fields)
  return { fields: [...pairsOf(text)], uploads: [] }
}

/**
 * A form as browsers send it with files.
 * @throws {RequestError} for what is no such form, and for too many fields or files
 */
export async function multipartForm(body: Buffer, type: string, limits: Required<FormLimits>): Promise<Form> {
  const parser = parserFor(body, type, limits)
  const fields: [string, string][] = []
  const files: { name: string; filename: string; type: string; chunks: Uint8Array[] }[] = []
  await new Promise<void>((fulfil, fail) => {
    let isOver = false
    const reject = (error: RequestError): void => {
      isOver = true
      fail(error)
    }
    const malformed = (cause?: unknown): void =>
      reject(new RequestError(400, 'The body is no complete multipart form', { cause }))
    parser
      .on('field', (name, value) => {
        if (name !== undefined) fields.push([name, value])
      })
      .on('file', (name, part, filename, _, partType) => {
        const chunks: Uint8Array[] = []
        part.on('data', (chunk) => chunks.push(chunk)).on('error', malformed)
        if (name === undefined) return
        fields.push([name, filename])
        files.push({ name, filename, type: partType, chunks })
      })
      .on('fieldsLimit', () => reject(tooMany('fields', limits.fields)))
      .on('filesLimit', () => reject(tooMany('files', limits.files)))
      .on('partsLimit', () => reject(tooMany('parts', limits.fields + limits.files)))
      .on('error', malformed)
      .on('finish', fulfil)
    // The parser waits for nothing but its own streams: what has not ended with the last piece never will.
    feed(parser, body, () => isOver).then(malformed, malformed)
  })
  const uploads = files.map(({ name, filename, type, chunks }): [string, Upload] => [
    name,
    { filename, type, bytes: Buffer.concat(chunks) },
  ])
  return { fields, uploads }
}

/** Piece by piece, so that a form of a million parts is refused before they are all made. */
async function feed(parser: Parser, body: Buffer, isOver: () => boolean): Promise<void> {
  const size = 16_384
  for (let from = 0; from < body.length && !isOver(); from += size) {
    parser.write(body.subarray(from, from + size))
    await immediate()
  }
  parser.end()
  await immediate()
  await immediate()
}

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function parserFor(body: Buffer, type: string, { fields, files }: Required<FormLimits>): Parser {
  const Parser = loadDependency<ParserPackage>('@fastify/busboy')
  try {
    return new Parser({
      headers: { 'content-type': type },
      limits: { fields, files, parts: fields + files, fieldSize: body.length, headerPairs: 100 },
      // A field for a file in which none was chosen has an empty name; CGI.pm takes it for text.
      isPartAFile: (_name, _type, filename) => filename !== undefined && filename !== '',
    })
  } catch (cause) {
    throw new RequestError(400, 'The type of the multipart body has no usable boundary', { cause })
  }
}

const tooMany = (things: string, limit: number): RequestError =>
  new RequestError(
    413,
    `The form has more than ${limit} ${things}; limits.${things === 'parts' ? 'fields' : things} sets how many are taken`,
  )
