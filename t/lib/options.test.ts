import { describe, expect, it } from 'vitest'
import { type ManagerOptions, OptionError, Session, SessionManager } from '../../lib/index.js'

const create = (options: object) => SessionManager.create(options as ManagerOptions)

describe('options', () => {
  it.each([
    [{ type: 'driver:Memory', onConflcit: 'merge' }, "did you mean 'onConflict'?"],
    [{ type: 'driver:File', file_name: 'x_%s' }, "did you mean 'fileName'?"],
    [{ type: 'driver:Memory', directory: '/tmp' }, 'driver:Memory;id:MD5;serialize:DataDumper'],
  ])('that nobody knows are refused with the near one: %j', async (options, message) => {
    await expect(create(options)).rejects.toThrow(OptionError)
    await expect(create(options)).rejects.toThrow(message)
  })

  it.each([
    [{ onConflict: 'last' }, "Option 'onConflict' must be one of merge, overwrite, fail, not 'last'"],
    [{ touchAfter: '60' }, "Option 'touchAfter' must be a whole number from 0, not a string"],
    [{ touchAfter: -1 }, 'not -1'],
    [{ strictIds: 1 }, "Option 'strictIds' must be true or false, not 1"],
    [{ clock: 5 }, 'must be a function that gives milliseconds, not 5'],
    [{ type: 5 }, "Option 'type' must be a type string or { driver, id, serialize }, not 5"],
    [{ maxDepth: 0 }, "Option 'maxDepth' must be a whole number from 1 to"],
  ])('of the wrong kind are refused: %j', async (options, message) => {
    await expect(create({ type: 'driver:Memory', ...options })).rejects.toThrow(message)
  })

  it.each([undefined, null, 5, 'driver:File', [], ['driver:File']])('must be an object, not %j', async (options) => {
    const message = /takes an object of options, such as \{ type: 'driver:File;serialize:JSON' \}/
    if (options !== undefined) await expect(create(options as object)).rejects.toThrow(message)
    if (options !== undefined) await expect(Session.open(options as object)).rejects.toThrow(message)
    await using sessions = await create({ type: 'driver:Memory' })
    if (typeof options !== 'object') return
    await expect(sessions.open(null as never)).rejects.toThrow('open() takes { id } or { clientId }, or nothing')
  })

  it('take no half instance of a plug-in', async () => {
    await expect(create({ type: { driver: { retrieve() {} } } })).rejects.toThrow(
      /'driver' in option 'type' has no store, remove/,
    )
    await expect(create({ type: { driver: 5 } })).rejects.toThrow(
      "The part 'driver' of option 'type' must be a name or an instance",
    )
  })

  it('need no constructor', () => {
    expect(() => Reflect.construct(Session, [])).toThrow('await Session.open(options)')
    expect(() => Reflect.construct(SessionManager, [])).toThrow('await SessionManager.create(options)')
  })

  it('of a closed manager are of no use', async () => {
    const sessions = await create({ type: 'driver:Memory' })
    await sessions.close()
    for (const given of [{}, { id: 'a' }, { clientId: 'a' }]) {
      await expect(sessions.open(given)).rejects.toMatchObject({ code: 'ERR_SESSION_CLOSED' })
    }
  })

  it('of open() are checked too', async () => {
    await using sessions = await create({ type: 'driver:Memory;serialize:JSON' })
    await expect(sessions.open({ cookie: 'x' } as object)).rejects.toThrow(OptionError)
    await expect(sessions.open({ id: 'a', clientId: 'b' })).rejects.toThrow(
      "either 'id' (from the program) or 'clientId'",
    )
    await expect(sessions.open({ id: 5 as unknown as string })).rejects.toThrow(TypeError)
  })

  it('refuse combinations that cannot work, and say what to use instead', async () => {
    await expect(create({ type: 'driver:File;id:UUID64' })).rejects.toThrow(
      /id:UUID64 makes ids of text, but driver:File holds only word.*use an id generator of the shape 'word'/,
    )
    await expect(create({ type: 'driver:File;id:UUID16' })).rejects.toThrow(OptionError)
    await (await create({ type: 'driver:Memory;id:UUID16' })).close()
  })
})
