/** A session and the request that it belongs to: the id's name, parameters taken over in either direction, messages for the next page. */

import { describe, expect, it } from 'vitest'
import { type ManagerOptions, type Query, SessionManager } from '../../lib/index.js'
import { temporaryFolder } from '../support/folders.js'

async function manager(options: ManagerOptions = {}) {
  return SessionManager.create({ type: 'driver:File;id:MD5;serialize:JSON', directory: temporaryFolder(), ...options })
}

const get = (address: string) => ({ url: address, headers: {} })

/** A user's own object. */
class OwnQuery implements Query {
  readonly values = new Map<string, readonly string[]>()
  cookie(): undefined {}
  param(name: string): readonly string[] | undefined {
    return this.values.get(name)
  }
  params(): string[] {
    return [...this.values.keys()]
  }
  set(name: string, values: readonly string[]): void {
    this.values.set(name, values)
  }
}

describe('The session', () => {
  it('tells its name, its query, and its id under both names', async () => {
    const query = new OwnQuery()
    const session = await (await manager({ name: 'sid' })).open({ query })
    expect([session.name(), session.userId()]).toEqual(['sid', session.id()])
    expect(session.query()).toBe(query)
    const plain = await (await manager()).open()
    expect([plain.name(), plain.query()]).toEqual(['CGISESSID', undefined])
  })
})

describe('saveParam()', () => {
  const reserved = '_SESSION_ID=x&_SESSION_ETIME=0&_SESSION_PTIME=x&_SESSION_ATIME=1&_mine=x'

  it('D5: takes no reserved key from a request', async () => {
    const sessions = await manager()
    const session = await sessions.open({ query: get(`/?${reserved}&color=red`) })
    const [id, atime] = [session.id(), session.atime()]
    session.expire('1h')
    await session.saveParam().flush()
    expect(session.param()).toEqual(['color'])
    const again = await sessions.open({ id })
    expect([again.id(), again.etime(), again.param()]).toEqual([id, 3600, ['color']])
    expect(again.atime()).toBeGreaterThanOrEqual(atime)
  })

  it('D5: refuses a reserved key that is asked for, and then takes none of the others', async () => {
    const session = await (await manager()).open({ query: get(`/?${reserved}&color=red`) })
    for (const names of ['_SESSION_ID', ['color', '_SESSION_ETIME'], ['color', '_mine']]) {
      expect(() => session.saveParam(undefined, names)).toThrow(TypeError)
    }
    expect(session.param()).toEqual([])
    expect(session.modified()).toBe(false)
  })

  it('D5: in the dialect of CGI::Session only its own keys are reserved', async () => {
    const session = await (await manager({ dialect: 'cgi-session' })).open({ query: get(`/?${reserved}`) })
    expect(session.saveParam().param()).toEqual(['_mine'])
    expect(() => session.saveParam(undefined, '_SESSION_REMOTE_ADDR')).toThrow(TypeError)
  })

  it('keeps several values as an array, and one as a text', async () => {
    const sessions = await manager()
    const session = await sessions.open({ query: get('/?color=red&size=1&color=green&empty=') })
    await session.saveParam().flush()
    const again = await sessions.open({ id: session.id() })
    expect([again.param('color'), again.param('size'), again.param('empty')]).toEqual([['red', 'green'], '1', ''])
  })

  it('takes the names that are asked for, and passes over those that the request has not', async () => {
    const session = await (await manager()).open({ query: get('/?a=1&b=2&c=3') })
    session.param('z', 'stays')
    session.saveParam(undefined, 'a').saveParam(undefined, ['c', 'nobody', 'z'])
    expect([session.param(), session.param('z')]).toEqual([['a', 'c', 'z'], 'stays'])
  })

  it.each([
    ['a Request', new Request('http://localhost/a?b=1&b=2#c')],
    ['a request of Node', get('/a?b=1&b=2')],
    ['a form that Express has read', { ...get('/a'), body: { b: ['1', '2'] } }],
  ])('reads another request than its own: %s', async (_title, request) => {
    const session = await (await manager()).open()
    expect(session.saveParam(request).param('b')).toEqual(['1', '2'])
  })

  it('keeps names that are special to JavaScript as they are', async () => {
    const sessions = await manager()
    const session = await sessions.open({ query: get('/?__proto__=a&constructor=b&toString=c&__proto__x=d') })
    await session.saveParam().flush()
    // Of these, Perl reserves what begins with an underscore.
    expect(session.param()).toEqual(['constructor', 'toString'])
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
    expect((await sessions.open({ id: session.id() })).param('constructor')).toBe('b')
  })

  it('needs a request', async () => {
    const session = await (await manager()).open()
    expect(() => session.saveParam()).toThrow('saveParam() needs a request')
    expect(() => session.loadParam()).toThrow('loadParam() needs a request')
    expect(() => session.saveParam('/?a=b' as never)).toThrow(TypeError)
  })
})

describe('loadParam()', () => {
  it('gives back what saveParam() took, several values as several', async () => {
    const sessions = await manager()
    const first = await sessions.open({ query: get('/?color=red&color=green&size=1') })
    await first.saveParam().flush()
    const next = await sessions.open({ id: first.id(), query: get('/?size=9&page=2') })
    const query = next.loadParam()
    expect(query).toBe(next.query())
    expect([query.param('color'), query.param('size'), query.param('page')]).toEqual([['red', 'green'], '1', '2'])
    expect([...query.params()].sort()).toEqual(['color', 'page', 'size'])
  })

  it("fills a user's own object, with the names that are asked for", async () => {
    const session = await (await manager()).open()
    session.param({ a: 1, b: ['x', 2, null], c: 'no' })
    const query = new OwnQuery()
    expect(session.loadParam(query, ['a', 'b', 'nobody'])).toBe(query)
    expect([...query.values]).toEqual([
      ['a', ['1']],
      ['b', ['x', '2', '']],
    ])
  })

  it('passes over what has no form as a parameter', async () => {
    const session = await (await manager()).open()
    session.param({ cart: { a: 1 }, list: [['nested']], items: [{ b: 2 }], nothing: null, big: 2n ** 60n, yes: true })
    const query = new OwnQuery()
    session.loadParam(query)
    expect([...query.values]).toEqual([
      ['big', ['1152921504606846976']],
      ['nothing', ['']],
      ['yes', ['true']],
    ])
  })

  it('D5: refuses a reserved key that is asked for, and gives none by itself', async () => {
    const session = await (await manager()).open()
    session.param('a', 1)
    const query = new OwnQuery()
    expect(() => session.loadParam(query, ['a', '_SESSION_ID'])).toThrow(TypeError)
    expect([...query.values]).toEqual([])
    expect(session.loadParam(query).params()).toEqual(['a'])
  })

  it('needs a query that can be changed', async () => {
    const session = await (await manager()).open()
    const fixed = { cookie: () => undefined, param: () => undefined, params: () => [] }
    expect(() => session.loadParam(fixed)).toThrow('with the method set(name, values)')
  })
})

describe('flash()', () => {
  it('leaves messages for the next page, of each kind, which are read once', async () => {
    const sessions = await manager()
    const first = await sessions.open()
    await first.flash('info', 'saved').flash('error', 'but').flash('info', 'sent').flush()
    const next = await sessions.open({ id: first.id() })
    expect(next.flash('info')).toEqual(['saved', 'sent'])
    expect(next.flash('info')).toEqual([])
    await next.flush()
    const last = await sessions.open({ id: first.id() })
    expect([last.flash('info'), last.flash('error')]).toEqual([[], ['but']])
    expect(last.param()).toEqual([])
  })

  it('keeps the messages of two requests at once', async () => {
    const sessions = await manager()
    const first = await sessions.open()
    await first.param('user', 'x').flush()
    const [one, two] = [await sessions.open({ id: first.id() }), await sessions.open({ id: first.id() })]
    one.flash('info', 'of one')
    two.flash('info', 'of two')
    await one.flush()
    await two.flush()
    expect((await sessions.open({ id: first.id() })).flash('info')).toEqual(['of one', 'of two'])
  })

  it.each([
    ['first', true],
    ['last', false],
  ])(
    'takes away no message that another request leaves while they are read, whoever writes %s',
    async (_who, isFirst) => {
      const sessions = await manager()
      const first = await sessions.open()
      await first.flash('info', 'old').flash('info', 'old').flush()
      const [reader, writer] = [await sessions.open({ id: first.id() }), await sessions.open({ id: first.id() })]
      expect(reader.flash('info')).toEqual(['old', 'old'])
      writer.flash('info', 'new')
      for (const session of isFirst ? [reader, writer] : [writer, reader]) await session.flush()
      const after = await sessions.open({ id: first.id() })
      expect([after.flash('info'), after.flash('info')]).toEqual([['new'], []])
    },
  )

  it('leaves no trace of messages that were read while somebody else wrote', async () => {
    const sessions = await manager({ type: 'driver:File;id:MD5;serialize:DataDumper' })
    const first = await sessions.open()
    await first.flash('info', 'old').flush()
    const [reader, writer] = [await sessions.open({ id: first.id() }), await sessions.open({ id: first.id() })]
    reader.flash('info')
    await writer.param('page', 2).flush()
    await reader.flush()
    expect(reader.param()).toEqual(['page'])
    expect((await sessions.open({ id: first.id() })).param()).toEqual(['page'])
  })

  it('may be left and read again by one page, and then there is nothing to store', async () => {
    const sessions = await manager()
    const session = await sessions.open()
    session.flash('info', 'a')
    expect(session.flash('info')).toEqual(['a'])
    expect([await session.flush(), session.param()]).toEqual([false, []])
    session.flash('info', 'b')
    await session.flush()
    expect((await sessions.open({ id: session.id() })).flash('info')).toEqual(['b'])
  })

  it('changes nothing where there is no message', async () => {
    const session = await (await manager()).open()
    expect([session.flash('info'), session.modified()]).toEqual([[], false])
  })

  it('is an array of texts to other programs, and reads what they left', async () => {
    const session = await (await manager()).open()
    session.flash('info', 'a')
    expect(session.param('flash.info')).toEqual(['a'])
    session.param({ 'flash.one': 'a text', 'flash.number': [1, 'b'], 'flash.strange': { c: 1 } })
    expect([session.flash('one'), session.flash('number'), session.flash('strange')]).toEqual([
      ['a text'],
      ['1', 'b'],
      [],
    ])
    expect(session.param()).toEqual(['flash.info', 'flash.strange'])
  })

  it('refuses what is no text, and takes no message away for it', async () => {
    const session = await (await manager()).open()
    session.flash('info', 'a')
    expect(() => session.flash('info', undefined as never)).toThrow(TypeError)
    expect(() => session.flash('info', 5 as never)).toThrow(TypeError)
    expect(() => session.flash(undefined as never)).toThrow(TypeError)
    expect(session.flash('info')).toEqual(['a'])
  })
})
