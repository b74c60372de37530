/**
 * End to end: a shop behind Debian's Apache, with a page in Perl (CGI::Session), one in Node (a CGI program) and one in Express, all on
 * one store; and visitors with a real browser.
 */

import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { startBrowser } from '../support/browser.js'
import { describeWith } from '../support/requirements.js'
import { type Site, startSite } from './site.js'
import { type ShopStore, storeKinds } from './stores.js'
import { askedToLogIn, type Seen, type Side, Visitor } from './visitor.js'

const sides = ['Perl', 'Node', 'Express'] as const

let browser: Browser | undefined

afterAll(async () => {
  await browser?.close()
})

for (const { name, needs, open } of storeKinds) {
  describeWith(`chromium,apache,perl-cgi,${needs}`, `a shop in Perl, Node and Express on ${name}`, () => {
    let store: ShopStore
    let site: Site

    beforeAll(async () => {
      store = await open()
      site = await startSite(store)
      browser ??= await startBrowser()
    })

    afterAll(async () => {
      await site?.stop()
      await store?.remove()
    })

    afterEach(async () => {
      await Promise.all(browser!.contexts().map((context) => context.close()))
      expect(site.complaints()).toBe('')
    })

    const arrive = (): Promise<Visitor> => Visitor.arrive(browser!, site.url, join('t/e2e/screenshots', name))

    /** What each of the three pages shows. */
    const seenEverywhere = async (visitor: Visitor): Promise<Seen[]> => {
      const seen: Seen[] = []
      for (const side of sides) seen.push(await visitor.open(side))
      return seen
    }
    const everywhere = (heading: string, cart: readonly string[]): Seen[] => sides.map((by) => ({ by, heading, cart }))
    const nowhere = sides.map(askedToLogIn)

    it('one login and one cart serve all three, and a logout in Express ends them all', async () => {
      const visitor = await arrive()
      expect(await visitor.open('Perl')).toEqual(askedToLogIn('Perl'))
      await visitor.photograph('1-perl-asks-for-login')
      expect(await visitor.logIn('Zoë')).toEqual({ by: 'Perl', heading: 'The cart of Zoë', cart: [] })
      await visitor.photograph('2-perl-logged-in')
      await visitor.open('Node')
      expect(await visitor.add('tea')).toEqual({ by: 'Node', heading: 'The cart of Zoë', cart: ['tea'] })
      expect((await visitor.add('Käse & <b>')).cart).toEqual(['tea', 'Käse & <b>'])
      await visitor.photograph('3-node-added')
      expect(await seenEverywhere(visitor)).toEqual(everywhere('The cart of Zoë', ['tea', 'Käse & <b>']))
      await visitor.photograph('4-express-shows-cart')

      const id = await visitor.id()
      expect(await site.ids()).toContain(id)
      expect(await visitor.logOut()).toEqual(askedToLogIn('Express'))
      await visitor.photograph('5-express-logged-out')
      expect(await visitor.cookie()).toBeUndefined()
      expect(await site.ids()).not.toContain(id)
      expect(await seenEverywhere(visitor)).toEqual(nowhere)
      // The id is worth nothing, whoever has kept it.
      await visitor.plant(id)
      expect(await seenEverywhere(visitor)).toEqual(nowhere)
      expect(await site.ids()).not.toContain(id)
    })

    it('a logout in Perl or in Node ends them all, too', async () => {
      const visitor = await arrive()
      for (const side of ['Perl', 'Node'] as const) {
        await visitor.open('Node')
        await visitor.logIn('Ann')
        await visitor.open('Express')
        expect((await visitor.add('ham')).cart).toEqual(['ham'])
        const id = await visitor.id()
        await visitor.open(side)
        expect(await visitor.logOut()).toEqual(askedToLogIn(side))
        expect(await visitor.cookie()).toBeUndefined()
        expect(await site.ids()).not.toContain(id)
        await visitor.plant(id)
        expect(await seenEverywhere(visitor)).toEqual(nowhere)
      }
    })

    it('the browser holds the cookie that Node made, and deletes it at the logout', async () => {
      const visitor = await arrive()
      await visitor.open('Perl')
      await visitor.logIn('Bob')
      const host = { domain: '127.0.0.1', path: '/', secure: false }
      expect(await visitor.cookie()).toMatchObject({ ...host, httpOnly: false })
      await visitor.open('Node')
      await visitor.add('oil')
      const seconds = Date.now() / 1000
      const kept = (await visitor.cookie())!
      expect(kept).toMatchObject({ ...host, httpOnly: true, sameSite: 'Lax' })
      expect(kept.expires).toBeGreaterThan(seconds + 3600 - 60)
      expect(kept.expires).toBeLessThan(seconds + 3600 + 60)
      await visitor.open('Express')
      await visitor.add('rye')
      expect(await visitor.cookie()).toMatchObject({ ...host, value: kept.value, httpOnly: true, sameSite: 'Lax' })
      await visitor.logOut()
      expect(await visitor.cookie()).toBeUndefined()

      // A session that never expires: its cookie lasts until the browser is closed.
      await visitor.open('Node')
      await visitor.logIn('Bob')
      expect(await visitor.cookie()).toMatchObject({ ...host, httpOnly: true, sameSite: 'Lax', expires: -1 })
      await visitor.logOut()
      expect(await visitor.cookie()).toBeUndefined()

      const caching = await visitor.cachingOfCookies()
      // At least: Perl's login, Node's and Express's adding, a logout, Node's login, a logout.
      expect(caching.length).toBeGreaterThanOrEqual(6)
      expect(new Set(caching)).toEqual(new Set(['no-store']))
    })

    it('a visitor who only looks gets no cookie and no record', async () => {
      const before = await site.ids()
      const visitor = await arrive()
      expect(await seenEverywhere(visitor)).toEqual(nowhere)
      expect(await visitor.cookie()).toBeUndefined()
      expect(await visitor.cachingOfCookies()).toEqual([])
      expect(await site.ids()).toEqual(before)
    })

    it('tabs that add at the same time lose nothing', async () => {
      const visitor = await arrive()
      await visitor.open('Perl')
      await visitor.logIn('Cleo')
      const tabs = await Promise.all(
        (['Node', 'Express', 'Node', 'Express'] as const).map(async (side) => {
          const page = await visitor.context.newPage()
          await visitor.open(side, '?meet=tabs-4', page)
          return page
        }),
      )
      const items = ['apple', 'bread', 'cider', 'dates']
      await Promise.all(tabs.map((page, index) => visitor.add(items[index]!, page)))
      for (const seen of await seenEverywhere(visitor)) {
        expect(seen).toMatchObject({ heading: 'The cart of Cleo' })
        expect([...seen.cart].sort()).toEqual(items)
      }
      await visitor.photograph('6-tabs')
    })

    it('an id that was planted before the login is worth nothing after it', async () => {
      const attacker = await arrive()
      for (const side of ['Perl', 'Node'] as const) {
        await attacker.open('Node')
        await attacker.add('bait')
        const planted = await attacker.id()
        expect(await site.ids()).toContain(planted)

        const victim = await arrive()
        await victim.plant(planted)
        expect((await victim.open(side)).cart).toEqual(['bait'])
        expect(await victim.logIn('Dora')).toEqual({ by: side, heading: 'The cart of Dora', cart: ['bait'] })
        const id = await victim.id()
        expect(id).not.toBe(planted)
        expect(await seenEverywhere(victim)).toEqual(everywhere('The cart of Dora', ['bait']))
        expect(await victim.id()).toBe(id)

        await attacker.plant(planted)
        expect(await seenEverywhere(attacker)).toEqual(nowhere)
        expect(await site.ids()).not.toContain(planted)
      }
    })

    it('a forged cookie opens nothing, and no record comes of it', async () => {
      const user = await arrive()
      await user.open('Node')
      await user.logIn('Eve')
      const id = await user.id()
      const forgeries = [
        '0123456789abcdef0123456789abcdef',
        id.slice(0, 16),
        `${id}0`,
        id.toUpperCase(),
        `../../${id}`,
        "' OR '1'='1",
        '%00%0d%0aSet-Cookie:%20a=b',
      ]
      const before = await site.ids()
      const visitor = await arrive()
      for (const forged of forgeries) {
        await visitor.plant(forged)
        expect([forged, await seenEverywhere(visitor)]).toEqual([forged, nowhere])
      }
      expect(await site.ids()).toEqual(before)
      expect(await visitor.cachingOfCookies()).toEqual([])
      await visitor.photograph('7-forged')
    })

    it('who comes with a forged cookie and stays gets an id of his own', async () => {
      const begin: readonly [Side, string, (visitor: Visitor) => Promise<Seen>][] = [
        ['Perl', 'fedcba9876543210fedcba9876543210', (visitor) => visitor.logIn('Finn')],
        ['Node', 'fedcba9876543210fedcba9876543210', (visitor) => visitor.logIn('Finn')],
        ['Node', 'chosen', (visitor) => visitor.add('fig')],
        ['Express', 'fedcba9876543210fedcba9876543210', (visitor) => visitor.add('fig')],
      ]
      const visitor = await arrive()
      for (const [side, forged, stay] of begin) {
        await visitor.plant(forged)
        await visitor.open(side)
        await stay(visitor)
        const id = await visitor.id()
        expect(id).toMatch(/^[0-9a-f]{32}$/)
        expect(id).not.toBe(forged)
        const ids = await site.ids()
        expect([ids.includes(id), ids.includes(forged)]).toEqual([true, false])
      }
    })

    it('after a logout the back button shows no cart', async () => {
      const visitor = await arrive()
      await visitor.open('Perl')
      await visitor.logIn('Gus')
      await visitor.open('Node')
      await visitor.add('gin')
      expect(await seenEverywhere(visitor)).toEqual(everywhere('The cart of Gus', ['gin']))
      expect(await visitor.logOut()).toEqual(askedToLogIn('Express'))
      for (const side of ['Express', 'Node', 'Perl'] as const) {
        await visitor.page.goBack()
        expect(await visitor.look()).toEqual(askedToLogIn(side))
        await visitor.photograph(`8-back-to-${side.toLowerCase()}`)
      }
    })
  })
}
