/** Every driver with every id generator and every serializer that goes with it, in two test files that run side by side. */

import { describe, expect, it } from 'vitest'
import { formatType, OptionError, pluginNames, SessionManager } from '../../lib/index.js'
import { sessionSuite } from '../suite/session.js'
import { describeWith, missing } from './requirements.js'
import { idOptions, storeParts, stores } from './stores.js'

/** The drivers whose store is a server. Any other one, also a new one, is taken for local. */
const behindServers: ReadonlySet<string> = new Set(['Memcached', 'ODBC', 'Oracle', 'Pg', 'Redis', 'mysql'])

/** Define the tests of one half of the drivers. */
export async function defineMatrix(half: 'local' | 'servers'): Promise<void> {
  for (const driver of pluginNames('driver')) {
    if (behindServers.has(driver) === (half === 'servers')) await addDriver(driver)
  }
}

async function addDriver(driver: string): Promise<void> {
  const part = storeParts[driver]
  if (part !== undefined && missing(part) !== undefined) {
    describeWith(part, `driver:${driver} with every id and serializer`, () => {
      it.todo('needs its store')
    })
    return
  }
  for (const id of pluginNames('id')) {
    for (const serialize of pluginNames('serialize')) await addCombination({ driver, id, serialize })
  }
}

/** The suite for a legal combination; for another one, a test that it is refused. */
async function addCombination(names: { driver: string; id: string; serialize: string }): Promise<void> {
  const type = formatType(names)
  const open = async () => {
    const [store, ids] = [await stores[names.driver]!(), idOptions(names.id)]
    return { ...store, options: { type, ...store.options, ...ids.options } }
  }
  const { options, remove } = await open()
  try {
    await (await SessionManager.create(options)).close()
    sessionSuite({ describe, it, name: type, open, oneId: names.id === 'Static' })
  } catch (error) {
    describe(type, () => {
      it('is refused: the plug-ins do not go together', () => {
        expect(error).toBeInstanceOf(OptionError)
        expect((error as OptionError).option).toBe('type')
      })
    })
  } finally {
    await remove?.()
  }
}
