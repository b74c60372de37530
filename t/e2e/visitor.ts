/** A visitor of the shop with a browser of his own: what he does, and what he sees. */

import type { Browser, BrowserContext, Cookie, Page, Response } from 'playwright-core'
import { expect } from 'vitest'
import { paths } from './site.js'

export type Side = keyof typeof paths

/** What a page of the shop shows. */
export interface Seen {
  /** Who has written it. */
  readonly by: Side
  readonly heading: string
  readonly cart: readonly string[]
}

/** What every page shows to whom it does not know. */
export const askedToLogIn = (by: Side): Seen => ({ by, heading: 'Log in', cart: [] })

/** For the browser, at one go. */
const lookAtPage = `({
  by: document.title,
  heading: document.querySelector('h1')?.textContent,
  cart: [...document.querySelectorAll('li')].map((item) => item.textContent),
})`

export class Visitor {
  readonly context: BrowserContext
  readonly page: Page
  readonly #site: string
  readonly #screenshots: string
  readonly #answers: Response[] = []

  private constructor(context: BrowserContext, page: Page, site: string, screenshots: string) {
    this.context = context
    this.page = page
    this.#site = site
    this.#screenshots = screenshots
    context.on('response', (response) => this.#answers.push(response))
  }

  /** @param screenshots the folder that they go into */
  static async arrive(browser: Browser, site: string, screenshots: string): Promise<Visitor> {
    const context = await browser.newContext({ baseURL: site })
    context.setDefaultTimeout(15_000)
    return new Visitor(context, await context.newPage(), site, screenshots)
  }

  /** Open a page, and look at it. */
  async open(side: Side, search = '', page = this.page): Promise<Seen> {
    await page.goto(`${paths[side]}${search}`)
    return this.look(page)
  }

  async look(page = this.page): Promise<Seen> {
    const seen = await page.evaluate<Seen>(lookAtPage)
    // Not a page that says what went wrong.
    expect(Object.keys(paths)).toContain(seen.by)
    return seen
  }

  async logIn(name: string): Promise<Seen> {
    await this.page.getByLabel('Name').fill(name)
    return this.#click('Log in')
  }

  async add(item: string, page = this.page): Promise<Seen> {
    await page.getByLabel('Item').fill(item)
    return this.#click('Add', page)
  }

  logOut(): Promise<Seen> {
    return this.#click('Log out')
  }

  /** Every button posts a form, and leads to a page. */
  async #click(button: string, page = this.page): Promise<Seen> {
    await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: button }).click()])
    return this.look(page)
  }

  /** The session's cookie, as the browser holds it. */
  async cookie(): Promise<Cookie | undefined> {
    const cookies = await this.context.cookies()
    expect(cookies.map(({ name }) => name)).toEqual(cookies.length === 0 ? [] : ['CGISESSID'])
    return cookies[0]
  }

  /** The session's id, as the browser holds it. */
  async id(): Promise<string> {
    return (await this.cookie())!.value
  }

  /** Put an id into the browser, as somebody does who can write its cookies. */
  async plant(value: string): Promise<void> {
    await this.context.addCookies([{ name: 'CGISESSID', value, url: this.#site }])
  }

  /** For each answer with a cookie, what it said to caches. */
  async cachingOfCookies(): Promise<(string | undefined)[]> {
    const headers = await Promise.all(this.#answers.map((response) => response.allHeaders()))
    return headers.filter((all) => all['set-cookie'] !== undefined).map((all) => all['cache-control'])
  }

  async photograph(name: string): Promise<void> {
    await this.page.screenshot({ path: `${this.#screenshots}/${name}.png` })
  }
}
