/** A CGI program of the tests: PATH_INFO says what it does, and SESSION_FOLDER where its sessions are. */

import { rmSync, writeFileSync, writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { type CgiAnswer, type CgiRequest, runCgi } from '../../../lib/adapters/cgi.js'

const { SESSION_FOLDER = '', PATH_INFO = '/', LIMIT_BYTES } = process.env
const asJson = (value: unknown): CgiAnswer => ({ type: 'application/json', body: JSON.stringify(value) })

const routes: Record<string, (request: CgiRequest) => CgiAnswer | string | Promise<CgiAnswer | string>> = {
  '/hello': () => 'hello ☺',
  async '/open'({ session }) {
    return String((await session()).isNew())
  },
  async '/count'({ session }) {
    return `visit ${(await session()).increment('visits')}`
  },
  async '/user'({ session }) {
    const visitor = await session()
    return asJson(Object.fromEntries(visitor.param().map((name) => [name, visitor.param(name)])))
  },
  async '/login'({ session }) {
    const visitor = await session()
    visitor.param('user', 'ann').expire('1h')
    await visitor.regenerate()
    return { redirect: '/a page?name=é\r\nX-Evil: 1', headers: { 'Set-Cookie': ['a=1', 'b=2'] } }
  },
  async '/logout'({ session }) {
    await (await session()).delete()
    return { status: '200 Gone for today', body: 'bye' }
  },
  '/form': ({ query }) =>
    asJson({
      fields: query.params().map((name) => [name, query.param(name)]),
      url: query.urlParam('u'),
      files: query.uploads('file').map(({ filename, type, bytes }) => [filename, type, bytes.length, bytes.at(-1)]),
    }),
  async '/throw'({ session }) {
    ;(await session()).param('tried', true)
    throw new Error('secret of the program')
  },
  async '/broken-store'({ session }) {
    ;(await session()).param('lost', true)
    rmSync(SESSION_FOLDER, { recursive: true })
    writeFileSync(SESSION_FOLDER, 'no folder any more')
    return 'it was stored'
  },
  async '/stream'({ session }) {
    const visitor = await session()
    visitor.param('streamed', 1)
    return {
      type: 'text/plain',
      body: (async function* () {
        yield 'first '
        writeSync(2, 'first piece was asked for\n')
        await setImmediate()
        visitor.param('late', 2)
        yield Buffer.from('second')
      })(),
    }
  },
  async '/broken-stream'({ session }) {
    ;(await session()).param('streamed', 1)
    return {
      body: (async function* () {
        yield 'begun'
        throw new Error('secret of the stream')
      })(),
    }
  },
  '/large': () => ({ type: 'text/plain', headers: { 'X-Size': '200000' }, body: Buffer.alloc(200_000, 'x') }),
  '/bad-header': () => ({ headers: { 'X-A': 'b\r\nSet-Cookie: evil=1' }, body: 'x' }),
  '/bad-status': () => ({ status: 99 }),
  '/bad-body': () => ({ body: 5 as unknown as string }),
  '/no-content': () => ({ status: 204, body: 'nobody is to see this' }),
  '/number': () => 42 as unknown as string,
  '/misspelt': () => ({ contents: 'x' }) as CgiAnswer,
  '/nothing': () => undefined as unknown as string,
  async '/modules'({ session }) {
    ;(await session()).param('a', 1)
    return {
      body: (async function* () {
        yield ''
        const { moduleLoadList } = process as unknown as { moduleLoadList: string[] }
        yield JSON.stringify([...Object.keys(require.cache), ...moduleLoadList])
      })(),
    }
  },
}

void runCgi(
  {
    type: 'driver:File;id:MD5;serialize:DataDumper',
    directory: SESSION_FOLDER,
    dialect: 'cgi-session',
    ...(PATH_INFO === '/bad-option' ? { drectory: '' } : {}),
  },
  routes[PATH_INFO] ?? routes['/open']!,
  LIMIT_BYTES === undefined ? {} : { limits: { bytes: Number(LIMIT_BYTES) } },
)
