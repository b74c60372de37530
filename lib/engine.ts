/** The resolved plug-ins of a manager and the core's options: what sessions work with. */

import type { IdGenerator, IdShape, Payload, PluginContext, Serializer } from './contracts.js'
import { type CookieAttributes, cookieAttributes } from './cookie.js'
import { DriverGuard } from './driver-guard.js'
import { OptionError, type PluginKind } from './errors.js'
import { createLog, type Log } from './log.js'
import { readOptions } from './options.js'
import { hasExpired, type SessionData, timeToLive } from './record.js'
import { loadPlugin, type PluginKinds } from './registry.js'
import { forwardOf } from './renewal.js'
import { type CoreOptions, coreOptions, type ManagerOptions, refuseUnknown, type TypeParts } from './session-options.js'
import { Turns } from './turns.js'
import { formatType, parseType, type TypeNames } from './type-string.js'

export interface Engine {
  readonly driver: DriverGuard
  readonly ids: IdGenerator
  readonly serializer: Serializer
  readonly options: CoreOptions
  /** The attributes of the session's cookie, where an answer gives no others. */
  readonly cookie: CookieAttributes
  /** The names of the three plug-ins. */
  readonly names: TypeNames
  /** Writers who got in each other's way. */
  readonly turns: Turns
  /** Tells what is done, where `verbose` says so. */
  readonly log: Log | undefined
  /** Now, in whole seconds. */
  now(): number
  /** Is a session over, or a renewed one's old id? */
  hasEnded(data: SessionData): boolean
  /** Seconds that a store needs to keep a record; 0: for ever. */
  timeToLive(data: SessionData): number
}

/** A plug-in before it is made: its name, the options that it knows and the function that makes it. */
interface Part<Plugin> {
  readonly name: string
  readonly knows: readonly string[]
  /** Made here, not handed over: what was handed over stays open. */
  readonly isOurs: boolean
  make(context: PluginContext): Plugin
}

/** Resolve a type and make its plug-ins. */
export async function createEngine(given: ManagerOptions): Promise<Engine> {
  const options = readOptions(coreOptions, given as Readonly<Record<string, unknown>>)
  const cookie = cookieAttributes(options.name, options.compat, options.cookie)
  const parts = partsOf(options.type)
  const serialize = await preparePart('serialize', parts.serialize, given)
  const driverPart = await preparePart('driver', parts.driver, given)
  const idPart = await preparePart('id', parts.id, given)
  const names: TypeNames = { driver: driverPart.name, id: idPart.name, serialize: serialize.name }
  const known = [...Object.keys(coreOptions), ...serialize.knows, ...driverPart.knows, ...idPart.knows]
  refuseUnknown(given, known, `the options for ${formatType(names)}`)

  const now = () => Math.floor(options.clock() / 1000)
  const serializer = serialize.make({ now, padding: false })
  const context = { now, padding: serializer.padding }
  const ids = idPart.make(context)
  const log = options.verbose === 0 ? undefined : createLog(names.driver)
  const guardLog = options.verbose < 2 ? undefined : log
  const driver = new DriverGuard(names.driver, driverPart.make(context), { isOurs: driverPart.isOurs, log: guardLog })
  try {
    refuseIllegal(names, driver.supports, ids.shape, serializer.output)
    refuseBlindMerge(names, driver.supports, options)
    refuseUselessMerge(options)
  } catch (error) {
    await driver.close()
    throw error
  }
  const { maxLifetime } = options
  return {
    driver,
    ids,
    serializer,
    options,
    cookie,
    names,
    turns: new Turns(),
    log,
    now,
    hasEnded(data) {
      const forward = forwardOf(data)
      return forward === undefined ? hasExpired(data, now(), maxLifetime) : forward.until <= now()
    },
    timeToLive: (data) => timeToLive(data, now(), maxLifetime),
  }
}

/** The three parts that a `type` names or hands over; a name that is left out is the default one. */
function partsOf(type: string | TypeParts): Required<TypeParts> {
  if (typeof type === 'string') return parseType(type)
  refuseUnknown(type, ['driver', 'id', 'serialize'], "the parts of option 'type'")
  return { ...parseType(''), ...Object.fromEntries(Object.entries(type).filter(([, part]) => part !== undefined)) }
}

async function preparePart<Kind extends PluginKind>(
  kind: Kind,
  part: string | PluginKinds[Kind],
  given: object,
): Promise<Part<PluginKinds[Kind]>> {
  if (typeof part === 'object' && part !== null) {
    refuseIncomplete(kind, part)
    const className = part.constructor?.name
    const name = className === undefined || className === '' || className === 'Object' ? 'custom' : className
    return { name, knows: [], isOurs: false, make: () => part }
  }
  if (typeof part !== 'string')
    throw new OptionError('type', `The part '${kind}' of option 'type' must be a name or an instance`)
  const { name, Plugin } = await loadPlugin(kind, part)
  const options = readOptions(Plugin.options, given as Readonly<Record<string, unknown>>)
  return { name, knows: Object.keys(Plugin.options), isOurs: true, make: (context) => new Plugin(options, context) }
}

/** What an instance of each kind must have, to be taken for one. */
const methods: Record<PluginKind, readonly string[]> = {
  driver: ['retrieve', 'store', 'remove', 'ids', 'close', 'supports'],
  id: ['generate', 'shape'],
  serialize: ['freeze', 'thaw', 'output'],
}

function refuseIncomplete(kind: PluginKind, part: object): void {
  const missing = methods[kind].filter((name) => !(name in part))
  if (missing.length === 0) return
  throw new OptionError(
    'type',
    `The instance given as '${kind}' in option 'type' has no ${missing.join(', ')}; see lib/contracts.ts`,
  )
}

const widthOfShape: Record<IdShape, number> = { word: 0, text: 1, bytes: 2 }
const widthOfPayload: Record<Payload, number> = { text: 0, bytes: 1 }

/** Which combinations work follows from what the plug-ins say of themselves: there is no list of exceptions. */
function refuseIllegal(names: TypeNames, supports: DriverGuard['supports'], shape: IdShape, output: Payload): void {
  if (widthOfShape[shape] > widthOfShape[supports.ids]) {
    throw new OptionError(
      'type',
      `id:${names.id} makes ids of ${shape}, but driver:${names.driver} holds only ${supports.ids} ids; ` +
        "use an id generator of the shape 'word', such as the default one, which fits every driver",
    )
  }
  if (widthOfPayload[output] > widthOfPayload[supports.payload]) {
    throw new OptionError(
      'type',
      `serialize:${names.serialize} writes ${output}, but driver:${names.driver} is set up to hold only ${supports.payload}; ` +
        'use a serializer that writes text, such as the default one, or a binary column',
    )
  }
}

/** Without comparing, two writers would lose each other's changes, and a removed session would come back. */
function refuseBlindMerge(names: TypeNames, supports: DriverGuard['supports'], { onConflict }: CoreOptions): void {
  if (supports.expect || onConflict === 'overwrite') return
  throw new OptionError(
    'onConflict',
    `driver:${names.driver} cannot compare before it writes, so onConflict '${onConflict}' is not possible; use 'overwrite'`,
  )
}

/** A function for merging that is never called would be a silent mistake. */
function refuseUselessMerge({ merge, onConflict }: CoreOptions): void {
  if (merge === undefined || onConflict === 'merge') return
  throw new OptionError('merge', `Option 'merge' has a meaning only with onConflict 'merge', not with '${onConflict}'`)
}
