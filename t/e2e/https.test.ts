/** Over https, in a real browser: a cookie that is Secure, with a name whose prefix browsers check, also where a proxy ends TLS. */

import { once } from 'node:events'
import { type RequestListener, request as sendRequest } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type ManagerOptions, SessionManager } from '../../lib/index.js'
import { startBrowser } from '../support/browser.js'
import { type Certificate, newCertificate } from '../support/certificate.js'
import { temporaryFolder } from '../support/folders.js'
import { describeWith } from '../support/requirements.js'
import { startExpressApp } from './express-app.js'

/** Hands requests on to an origin that speaks http, and tells it that they came over https. */
const proxyTo =
  (origin: string): RequestListener =>
  (request, response) => {
    const headers = { ...request.headers, 'x-forwarded-proto': 'https' }
    const asking = sendRequest(`${origin}${request.url}`, { method: request.method!, headers })
    asking.on('response', (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    request.pipe(asking).on('error', () => response.destroy())
  }

describeWith('chromium,openssl', 'a cookie over https, as the browser holds it', () => {
  let browser: Browser
  let context: BrowserContext
  let certificate: Certificate
  const closers: (() => unknown)[] = []

  beforeAll(async () => {
    certificate = newCertificate()
    browser = await startBrowser()
  })
  afterAll(() => browser?.close())
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  const serveTls = (listener: RequestListener): Server => createServer(certificate, listener)

  async function sessionsWith(options: ManagerOptions): Promise<SessionManager> {
    const sessions = await SessionManager.create({ type: 'driver:Memory;serialize:JSON', ...options })
    closers.push(() => sessions.close())
    return sessions
  }

  /** Where the shop's page is, on a server that speaks TLS itself. */
  async function direct(options: ManagerOptions): Promise<string> {
    const app = await startExpressApp(await sessionsWith(options), temporaryFolder(), serveTls)
    closers.push(() => app.stop())
    return app.url.replace('http:', 'https:')
  }

  /** And behind a proxy that speaks TLS for it. */
  async function behindProxy(options: ManagerOptions): Promise<string> {
    const app = await startExpressApp(await sessionsWith(options), temporaryFolder())
    const proxy = serveTls(proxyTo(new URL(app.url).origin)).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    closers.push(
      () => app.stop(),
      () => proxy.close().closeAllConnections(),
    )
    return `https://127.0.0.1:${(proxy.address() as AddressInfo).port}/app/`
  }

  /** A browser that has put something into the cart at this address. */
  async function visit(url: string) {
    context = await browser.newContext({ ignoreHTTPSErrors: true })
    closers.push(() => context.close())
    const page = await context.newPage()
    await page.goto(url)
    const add = async (item: string): Promise<string[]> => {
      await page.getByLabel('Item').fill(item)
      await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: 'Add' }).click()])
      return page.getByRole('listitem').allTextContents()
    }
    const logOut = () => page.request.post(url, { form: { action: 'logout' } })
    expect(await add('tea')).toEqual(['tea'])
    return { add, logOut }
  }

  const attributes = { domain: '127.0.0.1', path: '/', httpOnly: true, sameSite: 'Lax' }

  it.each([
    ['a server that speaks TLS', direct],
    ['a server behind a proxy that ends TLS', behindProxy],
  ])('named __Host-shop, from %s: it is taken, sent back, and deleted at the logout', async (_title, start) => {
    const { add, logOut } = await visit(await start({ name: '__Host-shop', trustProxy: start === behindProxy }))
    expect(await context.cookies()).toEqual([
      expect.objectContaining({ ...attributes, name: '__Host-shop', secure: true, expires: -1 }),
    ])
    expect(await add('oil')).toEqual(['tea', 'oil'])
    await logOut()
    expect(await context.cookies()).toEqual([])
  })

  it.each([true, false])('behind a proxy, with trustProxy %s: Secure if it is true', async (trustProxy) => {
    await visit(await behindProxy({ trustProxy }))
    expect(await context.cookies()).toEqual([
      expect.objectContaining({ ...attributes, name: 'CGISESSID', secure: trustProxy }),
    ])
  })
})
