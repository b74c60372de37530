/** A real browser without a window: Debian's Chromium, driven by playwright-core. */

import { existsSync } from 'node:fs'
import type { Browser } from 'playwright-core'

/** Where Debian and others have it. */
const programs = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Chromium's program; undefined when there is none. */
export const chromiumPath = (): string | undefined => programs.find((path) => existsSync(path))

/** Start a browser; the caller closes it. It looks for nothing outside this machine. */
export async function startBrowser(): Promise<Browser> {
  const { chromium } = await import('playwright-core')
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-dev-shm-usage',
  ]
  return chromium.launch({ executablePath: chromiumPath()!, args })
}
