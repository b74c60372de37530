/** The shop's page as a CGI program in Node, beside the one in Perl: log in, add to the cart, log out. */

import { type CgiQuery, runCgi } from '../../../lib/adapters/cgi.js'
import type { Session } from '../../../lib/index.js'
import { meet } from '../meet.js'
import { type ShopParameters, shopPage } from '../page.js'

const { SHOP_STORE, SHOP_MEETING_PLACE = '', SCRIPT_NAME } = process.env

const text = (query: CgiQuery, name: string): string => String(query.param(name) ?? '')

const actions: Record<string, (session: Session<ShopParameters>, query: CgiQuery) => Promise<unknown>> = {
  /** Whoever planted an id before the login must not have it afterwards: there is a new one. */
  login: (session, query) => session.param('user', text(query, 'name')).regenerate(),
  async add(session, query) {
    const place = text(query, 'meet')
    if (place !== '') await meet(SHOP_MEETING_PLACE, place)
    session.push('cart', text(query, 'item'))
  },
  logout: (session) => session.delete(),
}

void runCgi<ShopParameters>(JSON.parse(SHOP_STORE!), async ({ session: open, query }) => {
  const session = await open()
  if (query.method() === 'POST') {
    const action = text(query, 'action')
    await actions[action]!(session, query)
    return { redirect: `${SCRIPT_NAME}?after=${action}` }
  }
  const shown = { user: session.param('user'), cart: session.param('cart') }
  return {
    body: shopPage('Node', shown, { meet: text(query, 'meet') }),
    // The page is of this visitor; the browser's back button is not to show it to the next.
    headers: { 'Cache-Control': 'no-store' },
  }
})
