/** The options of `driver:Redis` that say where the server is. */

import type { OptionTable } from '../../lib/contracts.js'
import { isPlainObject } from '../../lib/hash.js'
import { custom, optionalText } from '../../lib/options.js'
import { type KeyedOptions, keyedOptions } from '../keyed/options.js'

/** Where the server is, and who asks. */
export interface ConnectionOptions extends KeyedOptions {
  /**
   * Where the server is: `redis://host:6379/0`, `rediss://…` for TLS, or `unix:/path`; several of a cluster, as
   * `redis+cluster://host:port,host:port`; or a primary that sentinels know, as
   * `redis+sentinel://host:port,host:port/name-of-the-primary/0`. Default: `redis://127.0.0.1:6379/0`.
   */
  dataSource: string | undefined
  /** The user, where the server has several (ACL). Default: that of dataSource, or the server's default one. */
  username: string | undefined
  /** The password; default: that of dataSource. No message shows it. */
  password: string | undefined
  /**
   * Further settings for ioredis, under its own names, such as `{ tls: { ca } }` or `{ sentinelPassword }`; they have the last word.
   * For a cluster, those of each connection are in its `redisOptions`.
   */
  dataSourceAttr: Readonly<Record<string, unknown>> | undefined
}

type Attributes = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Attributes => isPlainObject(value)

/** How they are read. */
export const connectionOptions: OptionTable<ConnectionOptions> = {
  ...keyedOptions,
  dataSource: optionalText(),
  username: optionalText(),
  password: optionalText(),
  dataSourceAttr: custom<Attributes | undefined>(undefined, 'an object of settings for ioredis', isObject),
}
