/** A CGI process as a query: what the server put into the environment, and the body on standard input. */

import type { OptionTable } from '../contracts.js'
import { integer, readOptions } from '../options.js'
import { refuseUnknown } from '../session-options.js'
import { type BodyInput, readBody } from './body.js'
import { type Form, type FormLimits, multipartForm, pairsOf, type Upload, urlencodedForm } from './form.js'
import { isHttps } from './query.js'
import { RequestQuery } from './request-query.js'

/** The environment of a CGI process (RFC 3875), such as `process.env`. */
export type CgiEnvironment = Readonly<Record<string, string | undefined>>

/** Where a CGI request is read from. */
export interface CgiSource {
  /** Default: `process.env`. */
  env?: CgiEnvironment
  /** The body. Default: 0, standard input. */
  input?: BodyInput
  /** How large a request may be. */
  limits?: FormLimits
}

/** A body that was read: as a form, or of another type. */
interface Body {
  readonly form: Form
  readonly other?: Uint8Array
}

const limitOptions: OptionTable<Required<FormLimits>> = {
  bytes: integer(1_048_576),
  fields: integer(1000),
  files: integer(20),
}

/** The methods whose parameters come from the body, as in CGI.pm. */
const withBody = new Set(['POST', 'PUT', 'PATCH'])

/**
 * The request of a CGI process. `new CgiQuery()` reads the environment alone, so it may be the option `queryClass`; its parameters are
 * those of the query string. `await CgiQuery.read()` reads the body as well: the parameters of a POST, PUT or PATCH are
 * then those of the body, as in CGI.pm. A file's value is its name. Text is UTF-8.
 */
export class CgiQuery extends RequestQuery {
  readonly #env: CgiEnvironment
  readonly #body: Body | undefined
  #urlQuery: RequestQuery | undefined

  constructor(env: CgiEnvironment = process.env, /** @internal */ body?: Body) {
    super({
      cookies: () => env.HTTP_COOKIE,
      parameters: () => body?.form.fields ?? pairsOf(env.QUERY_STRING ?? ''),
      isSecure: (trustProxy) =>
        // IIS says off; Apache and lighttpd say nothing.
        /^(?:on|1)$/i.test(env.HTTPS ?? '') ||
        isHttps(env.REQUEST_SCHEME) ||
        (trustProxy && isHttps(env.HTTP_X_FORWARDED_PROTO)),
    })
    this.#env = env
    this.#body = body
  }

  /**
   * The request with its body, of which exactly CONTENT_LENGTH bytes are read; without that there is none. Forms are
   * `application/x-www-form-urlencoded` and `multipart/form-data`; a body of another type is the parameter `POSTDATA`, `PUTDATA` or
   * `PATCHDATA`, as in CGI.pm, and `body()`.
   * @throws {RequestError} ERR_SESSION_REQUEST for a body that is too large, cut short, or malformed; `status` says what to answer
   * @throws {OptionError} for wrong limits
   */
  static async read({ env = process.env, input = 0, limits = {} }: CgiSource = {}): Promise<CgiQuery> {
    refuseUnknown(limits, Object.keys(limitOptions), 'the limits of a request')
    const checked = readOptions(limitOptions, limits as Readonly<Record<string, unknown>>)
    const method = env.REQUEST_METHOD ?? ''
    if (!withBody.has(method)) return new CgiQuery(env)
    const bytes = await readBody(input, env.CONTENT_LENGTH, checked.bytes)
    return new CgiQuery(env, await parseBody(bytes, method, env.CONTENT_TYPE ?? '', checked))
  }

  /** The method of the request: `GET`, `POST`… */
  method(): string {
    return this.#env.REQUEST_METHOD ?? 'GET'
  }

  /** A parameter of the query string, whatever the body holds (CGI.pm: `url_param`). */
  urlParam(name: string): string | readonly string[] | undefined {
    this.#urlQuery ??= new CgiQuery({ QUERY_STRING: this.#env.QUERY_STRING })
    return this.#urlQuery.param(name)
  }

  /** The files that were sent under a name, in order; none when there are none (CGI.pm: `upload`). */
  uploads(name: string): Upload[] {
    const all = this.#body?.form.uploads ?? []
    return all.filter(([key]) => key === name).map(([, upload]) => upload)
  }

  /** The bytes of a body that is no form, such as JSON; undefined for a form, and where there is none. */
  body(): Uint8Array | undefined {
    return this.#body?.other
  }
}

async function parseBody(bytes: Buffer, method: string, type: string, limits: Required<FormLimits>): Promise<Body> {
  if (bytes.length === 0) return { form: { fields: [], uploads: [] } }
  if (/^multipart\/form-data\b/i.test(type)) return { form: await multipartForm(bytes, type, limits) }
  if (type === '' || /^application\/x-www-form-urlencoded\b/i.test(type)) return { form: urlencodedForm(bytes, limits) }
  return { form: { fields: [[`${method}DATA`, bytes.toString()]], uploads: [] }, other: bytes }
}
