/** The demo in a real browser: as its users see it, without JavaScript, with the keyboard alone, and as axe judges it. */

import { resolve } from 'node:path'
import type { AxeResults } from 'axe-core'
import type { Browser, BrowserContext, BrowserContextOptions, Cookie, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrowser } from '../support/browser.js'
import { type Demo, killDemos, serveDemo } from '../support/demo.js'
import { temporaryFolder } from '../support/folders.js'
import { describeWith } from '../support/requirements.js'

const HIDDEN = '/cgi-bin/cgi.demo.js'
const axe = resolve('node_modules/axe-core/axe.min.js')

/** What a column shows: facts and parameters, as text. */
async function column(page: Page, title: 'What Node sees' | 'What Perl sees') {
  const region = page.getByRole('region', { name: title })
  const facts = await region.locator('dl > div').allInnerTexts()
  const rows = await region.getByRole('table').getByRole('row').allInnerTexts()
  return { facts: facts.map((fact) => fact.replace(/\s+/g, ' ')), rows: rows.map((row) => row.replace(/\s+/g, ' ')) }
}

async function bothColumns(page: Page) {
  return { node: await column(page, 'What Node sees'), perl: await column(page, 'What Perl sees') }
}

/** Press a button; its form leads to a new page. */
async function press(page: Page, name: string): Promise<void> {
  const loaded = page.waitForEvent('load')
  await page.getByRole('button', { name }).click()
  await loaded
}

/** A property of an element as it is shown. */
function style(element: Locator, property: string): Promise<string> {
  return element.evaluate((shown, name) => {
    const { getComputedStyle } = globalThis as unknown as StyleReader
    return getComputedStyle(shown).getPropertyValue(name)
  }, property)
}

/** As much as is used of a window; the tests are compiled for Node. */
interface StyleReader {
  getComputedStyle(element: unknown): { getPropertyValue(name: string): string }
}

async function pressKey(page: Page, key: string): Promise<void> {
  const loaded = page.waitForEvent('load')
  await page.keyboard.press(key)
  await loaded
}

/** A session with everything that the page can show. */
async function fill(page: Page, origin: string): Promise<void> {
  await page.goto(origin)
  await page
    .getByLabel('Note', { exact: true })
    .fill('Zoë ☃, and a text that goes on for longer than its column is wide')
  await press(page, 'Keep the note')
  await press(page, 'Forget the note')
  await page.getByLabel('Your name').fill('Ada')
  await press(page, 'Log in')
}

describeWith('chromium,perl', 'the demo in Chromium', () => {
  let browser: Browser
  let demo: Demo
  beforeAll(async () => {
    ;[browser, demo] = await Promise.all([startBrowser(), serveDemo(temporaryFolder())])
  })
  afterAll(async () => {
    await browser?.close()
    await killDemos()
  })

  async function inContext(
    options: BrowserContextOptions,
    body: (page: Page, context: BrowserContext) => Promise<void>,
  ) {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
    try {
      await body(await context.newPage(), context)
    } finally {
      await context.close()
    }
  }

  it('shows one session in both languages, from the first visit to the logout, without JavaScript', async () => {
    await inContext({ javaScriptEnabled: false }, async (page, context) => {
      const cookie = async () => (await context.cookies()).find(({ name }) => name === 'CGISESSID')
      await page.goto(demo.origin)
      expect(await page.getByText('No session yet.').count()).toBe(2)
      expect(await cookie()).toBeUndefined()

      await press(page, 'Count with Node')
      await page.getByRole('status').getByText('Node has counted this visit.').waitFor()
      await press(page, 'Count with Perl')
      await page.getByRole('status').getByText('Perl has counted this visit.').waitFor()
      const counted = await bothColumns(page)
      expect(counted.node).toEqual(counted.perl)
      expect(counted.node.facts).toEqual(expect.arrayContaining(['Visits 2', 'Written last by Perl']))
      expect(counted.node.rows).toContain('visits 2 number session')
      const before = await cookie()
      expect(before).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/' })
      expect(counted.node.facts).toContain(`Session ${before!.value.slice(0, 4)}…`)

      await page.getByLabel('Note', { exact: true }).fill('Zoë <b>☃</b>')
      await press(page, 'Keep the note')
      const noted = await bothColumns(page)
      expect(noted.perl.rows).toContain('note Zoë <b>☃</b> text session')
      expect(noted.node).toEqual(noted.perl)
      await press(page, 'Forget the note')
      expect((await column(page, 'What Perl sees')).rows).toContain('note Zoë <b>☃</b> text 30 s')

      await page.getByLabel('Your name').fill('Ada')
      await press(page, 'Log in')
      const after = await cookie()
      const loggedIn = await bothColumns(page)
      expect(after!.value).not.toBe(before!.value)
      expect(loggedIn.node.facts).toEqual(expect.arrayContaining(['Visits 2', `Session ${after!.value.slice(0, 4)}…`]))
      expect(loggedIn.perl).toEqual(loggedIn.node)

      await press(page, 'Log out')
      expect(await page.getByText('No session yet.').count()).toBe(2)
      expect(await bothColumns(page)).toEqual({ node: { facts: [], rows: [] }, perl: { facts: [], rows: [] } })
      expect(await cookie()).toBeUndefined()
    })
  })

  it('does not send a form again when the page is loaded again', async () => {
    await inContext({ javaScriptEnabled: false }, async (page) => {
      await page.goto(demo.origin)
      await press(page, 'Count with Perl')
      await page.reload()
      expect((await column(page, 'What Node sees')).facts).toContain('Visits 1')
      expect(await page.getByRole('status').count()).toBe(0)
    })
  })

  it('carries the session in the form on the page of cgi.demo, and by no cookie', async () => {
    await inContext({ javaScriptEnabled: false }, async (page, context) => {
      await page.goto(demo.origin)
      await page.getByRole('link', { name: 'Hidden field' }).click()
      await page.getByRole('heading', { level: 1, name: 'The id in a hidden field' }).waitFor()
      const visits = page.getByText('Number of times').locator('xpath=following-sibling::dd')
      for (const count of ['0', '1', '2']) {
        expect(await visits.textContent()).toBe(count)
        await press(page, 'Click to submit')
      }
      expect(await context.cookies()).toEqual([])
    })
  })

  it('is used with the keyboard alone: everything in its order, visibly, and Enter does it', async () => {
    await inContext({ javaScriptEnabled: false }, async (page) => {
      const focus = page.locator(':focus')
      await page.goto(demo.origin)
      await page.keyboard.press('Tab')
      expect(await focus.textContent()).toBe('Skip to the content')
      expect((await focus.boundingBox())!.y).toBeGreaterThanOrEqual(0)
      await page.keyboard.press('Enter')
      await page.keyboard.press('Tab')
      expect(await focus.textContent()).toBe('Count with Node')
      await pressKey(page, 'Enter')

      await page.goto(demo.origin)
      const order: string[] = []
      for (;;) {
        await page.keyboard.press('Tab')
        if ((await focus.count()) === 0 || order.length > 20) break
        order.push((await focus.getAttribute('id')) ?? (await focus.textContent()) ?? '')
        expect([order.at(-1), await style(focus, 'outline')]).toEqual([
          order.at(-1),
          expect.stringMatching(/solid 3px/),
        ])
        if (order.at(-1) === 'Log in') break
      }
      expect(order).toEqual([
        'Skip to the content',
        'Two languages',
        'Hidden field',
        'Count with Node',
        'Count with Perl',
        'note',
        'Keep the note',
        'user',
        'Log in',
      ])
      await page.getByLabel('Note', { exact: true }).focus()
      await page.keyboard.type('by hand')
      await pressKey(page, 'Enter')
      expect((await column(page, 'What Perl sees')).rows).toContain('note by hand text session')
      await page.getByLabel('Your name').focus()
      await page.keyboard.type('Ada')
      await pressKey(page, 'Enter')
      await page.getByRole('button', { name: 'Log out' }).focus()
      await pressKey(page, 'Space')
      expect(await page.getByText('No session yet.').count()).toBe(2)
    })
  })

  /** The cookie of a session with everything in it. */
  let full: Cookie[]
  beforeAll(async () => {
    await inContext({}, async (page, context) => {
      await fill(page, demo.origin)
      full = await context.cookies()
    })
  })

  /** The page with a message, and all else that it can show. */
  async function showAll(page: Page): Promise<void> {
    await page.context().addCookies(full)
    await page.goto(demo.origin)
    await press(page, 'Count with Perl')
    expect(await page.locator('.message, .user, table, time').count()).toBe(10)
  }

  /** What axe finds wrong, with the places. */
  async function violations(page: Page): Promise<string[]> {
    await page.addScriptTag({ path: axe })
    const { violations: found } = await page.evaluate(() => {
      return (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run()
    })
    return found.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`))
  }

  const isTooWide = (page: Page) => page.locator(':root').evaluate((root) => root.scrollWidth > root.clientWidth)

  const looks = [
    { title: 'light', colorScheme: 'light', viewport: { width: 1200, height: 900 } },
    { title: 'dark', colorScheme: 'dark', viewport: { width: 1200, height: 900 } },
    { title: 'on a narrow screen', colorScheme: 'light', viewport: { width: 320, height: 640 } },
  ] as const

  describe.each(looks)('$title', ({ colorScheme, viewport }) => {
    const pages: [string, (page: Page) => Promise<unknown>][] = [
      ['the page without a session', (page) => page.goto(demo.origin)],
      ['the page with all that it can show', showAll],
      ['the page of cgi.demo', (page) => page.goto(demo.origin + HIDDEN)],
      ['an error', (page) => page.goto(`${demo.origin}/nowhere`)],
    ]
    it.each(pages)('has nothing for axe to find, and fits its window: %s', async (_title, open) => {
      await inContext({ colorScheme, viewport, bypassCSP: true }, async (page) => {
        await open(page)
        expect(await style(page.locator('body'), 'background-color')).toBe(
          colorScheme === 'light' ? 'rgb(244, 245, 247)' : 'rgb(20, 23, 28)',
        )
        expect(await violations(page)).toEqual([])
        expect(await isTooWide(page)).toBe(false)
      })
    })
  })

  it('has nothing for axe to find where Perl is missing', async () => {
    const alone = await serveDemo(temporaryFolder(), { PATH: '/nowhere' })
    await inContext({ bypassCSP: true }, async (page) => {
      await page.goto(alone.origin)
      const perl = page.getByRole('region', { name: 'What Perl sees' })
      expect(await perl.textContent()).toContain('Perl is not installed.')
      expect(await violations(page)).toEqual([])
    })
    await alone.stop()
  })
})
