/** Every driver with every id generator and every serializer that goes with it. */

import { describe, expect, it } from 'vitest'
import { formatType, OptionError, pluginNames, SessionManager } from '../lib/index.js'
import { sessionSuite } from './suite/session.js'
import { describeWith, missing } from './support/requirements.js'
import { idOptions, storeParts, stores } from './support/stores.js'

for (const driver of pluginNames('driver')) {
  const part = storeParts[driver]
  if (part !== undefined && missing(part) !== undefined) {
    describeWith(part, `driver:${driver} with every id and serializer`, () => {
      it.todo('needs its store')
    })
    continue
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
