/** Which serializer a record is of, for those who named the wrong one. */

import { PluginError, SerializeError } from '../../lib/errors.js'
import { isPlainObject } from '../../lib/hash.js'
import { readOptions } from '../../lib/options.js'
import { loadPlugin, pluginNames } from '../../lib/registry.js'

const context = { now: () => 0, padding: false }

/** The serializer that finds a session in the record, the named one if it does; undefined when none does. */
export async function serializerOf(record: Buffer, named: string): Promise<string | undefined> {
  for (const name of [named, ...pluginNames('serialize')]) if (await reads(name, record)) return name
  return undefined
}

async function reads(name: string, record: Buffer): Promise<boolean> {
  try {
    const { Plugin } = await loadPlugin('serialize', name)
    const data = new Plugin(readOptions(Plugin.options, {}), context).thaw(record)
    return isPlainObject(data) && Object.hasOwn(data, '_SESSION_ID')
  } catch (error) {
    // Its package may be missing.
    if (error instanceof SerializeError || error instanceof PluginError) return false
    throw error
  }
}
