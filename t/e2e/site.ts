/** The whole site: one store, Apache with a Perl and a Node program, and an Express application behind its proxy. */

import { join } from 'node:path'
import { SessionManager } from '../../lib/index.js'
import { complaints, startApache } from '../support/apache-server.js'
import { bundle } from '../support/child.js'
import { temporaryFolder } from '../support/folders.js'
import { startExpressApp } from './express-app.js'
import type { ShopStore } from './stores.js'

/** The paths of the shop's pages, by who answers. */
export const paths = { Perl: '/cgi-bin/shop.pl', Node: '/cgi-bin/shop.js', Express: '/app/' } as const

export interface Site {
  readonly url: string
  /** The ids of all sessions in the store, sorted. */
  ids(): Promise<string[]>
  /** What Apache and the programs have complained of since it was last asked for. */
  complaints(): string
  stop(): Promise<void>
}

export async function startSite(store: ShopStore): Promise<Site> {
  const meetingPlace = temporaryFolder()
  const sessions = await SessionManager.create(store.options)
  const app = await startExpressApp(sessions, meetingPlace)
  const apache = await startApache({
    programs: {
      'shop.pl': ['perl', join(process.cwd(), 't/e2e/children/shop.pl')],
      'shop.js': [process.execPath, await bundle('t/e2e/children/shop.ts')],
    },
    env: {
      SHOP_PERL_STORE: JSON.stringify(store.perl),
      SHOP_STORE: JSON.stringify(store.options),
      SHOP_MEETING_PLACE: meetingPlace,
    },
    proxied: { [paths.Express]: app.url },
  })
  let readUpTo = 0
  return {
    url: apache.settings.url,
    async ids() {
      const ids: string[] = []
      await sessions.traverse((id) => ids.push(id))
      return ids.sort()
    },
    complaints() {
      const { text, end } = complaints(apache.settings, readUpTo)
      readUpTo = end
      return text
    },
    stop: async () => {
      await apache.stop()
      await app.stop()
      await sessions.close()
    },
  }
}
