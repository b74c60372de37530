import { describe, expect, it } from 'vitest'
import { formatType, OptionError, parseType, SessionManager } from '../../lib/index.js'

describe('type string', () => {
  it.each([
    ['', 'driver:File;id:MD5;serialize:DataDumper'],
    ['driver:SQLite;id:SHA1;serialize:JSON', 'driver:SQLite;id:SHA1;serialize:JSON'],
    [' serialize : JSON ; driver: Memory ; ', 'driver:Memory;id:MD5;serialize:JSON'],
    ['DRIVER:File;Id:SHA512', 'driver:File;id:SHA512;serialize:DataDumper'],
  ])('%j has optional parts in any order, spaces and cases', (given, expected) => {
    expect(formatType(parseType(given))).toBe(expected)
  })

  it.each(['serializer:JSON', 'dr:File', 'driver', 'driver:', 'driver:a:b', 'driver:File;driver:Pg', 'id:MD5;x'])(
    '%j is refused',
    (given) => {
      expect(() => parseType(given)).toThrow(OptionError)
      expect(() => parseType(given)).toThrow('driver:File;id:MD5;serialize:DataDumper')
    },
  )

  it('is normalised by the manager, whatever the case of the names', async () => {
    const sessions = await SessionManager.create({ type: 'DRIVER:memory; ID:uuid36; serialize:json' })
    expect(sessions.type).toBe('driver:Memory;id:UUID36;serialize:JSON')
    await sessions.close()
  })

  it('refuses a name that does not exist with those that do', async () => {
    const created = SessionManager.create({ type: 'driver:Memry' })
    await expect(created).rejects.toMatchObject({ code: 'ERR_SESSION_UNKNOWN_PLUGIN', plugin: 'Memry' })
    await expect(created).rejects.toThrow(/File, .*Memory, .*Did you mean Memory\?/)
  })
})
