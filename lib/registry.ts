/** Plug-ins by name: the ones of this package and the ones that a program registers. */

import { drivers, ids, serializers } from './catalogue.js'
import type { Driver, IdGenerator, PluginClass, PluginLoader, Serializer } from './contracts.js'
import { PluginError, type PluginKind } from './errors.js'
import { nearest } from './suggest.js'

/** What each kind of plug-in is. */
export interface PluginKinds {
  driver: Driver
  id: IdGenerator
  serialize: Serializer
}

/** Lower-case name -> the name as it is spelt, and how it is loaded. */
type Shelf<Plugin> = Map<string, { readonly name: string; readonly load: PluginLoader<Plugin> }>

function shelf<Plugin>(loaders: Readonly<Record<string, PluginLoader<Plugin>>>): Shelf<Plugin> {
  return new Map(Object.entries(loaders).map(([name, load]) => [name.toLowerCase(), { name, load }]))
}

const shelves: { readonly [Kind in PluginKind]: Shelf<PluginKinds[Kind]> } = {
  driver: shelf<Driver>(drivers),
  id: shelf<IdGenerator>(ids),
  serialize: shelf<Serializer>(serializers),
}

/** The names of all plug-ins of a kind, as they are spelt, in alphabetical order. */
export function pluginNames(kind: PluginKind): string[] {
  return [...shelves[kind].values()].map(({ name }) => name).sort()
}

/**
 * A plug-in's class and its name as it is spelt; the case of `name` does not matter.
 * @throws {PluginError} ERR_SESSION_UNKNOWN_PLUGIN, with the names that exist
 */
export async function loadPlugin<Kind extends PluginKind>(
  kind: Kind,
  name: string,
): Promise<{ name: string; Plugin: PluginClass<PluginKinds[Kind]> }> {
  const found = shelves[kind].get(name.toLowerCase())
  if (found === undefined) throw unknownPlugin(kind, name)
  const { default: Plugin } = await found.load()
  return { name: found.name, Plugin }
}

function unknownPlugin(kind: PluginKind, name: string): PluginError {
  const names = pluginNames(kind)
  const near = nearest(name, names)
  const hint = near === undefined ? '' : ` Did you mean ${near}?`
  const shown = name.slice(0, 40)
  return new PluginError(
    'ERR_SESSION_UNKNOWN_PLUGIN',
    shown,
    `There is no '${kind}:${shown}'; there are ${names.join(', ')}.${hint}`,
  )
}

function register<Kind extends PluginKind>(kind: Kind, name: string, load: PluginLoader<PluginKinds[Kind]>): void {
  if (!/^\w+$/.test(name)) throw new TypeError('A plug-in name has only letters, digits and underscores')
  if (typeof load !== 'function') throw new TypeError('A plug-in is registered with a function that imports it')
  shelves[kind].set(name.toLowerCase(), { name, load })
}

/** Make a driver known under a name for type strings; `load` imports it when it is first named. */
export function registerDriver(name: string, load: PluginLoader<Driver>): void {
  register('driver', name, load)
}

/** Make an id generator known under a name for type strings. */
export function registerId(name: string, load: PluginLoader<IdGenerator>): void {
  register('id', name, load)
}

/** Make a serializer known under a name for type strings. */
export function registerSerializer(name: string, load: PluginLoader<Serializer>): void {
  register('serialize', name, load)
}
