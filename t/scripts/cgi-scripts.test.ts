/** The two small CGI programs of Data::Session's distribution, as they are here. */

import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { startNode } from '../support/child.js'
import { temporaryFolder } from '../support/folders.js'
import { describeWith } from '../support/requirements.js'

describeWith('perl-cgi', 'scripts/cgi/cookie', () => {
  it('prints the same header as Perl, to the byte, and leaves nothing behind', async () => {
    const folder = temporaryFolder()
    const output = await (await startNode('scripts/cgi/cookie.ts', [], { TMPDIR: folder })).done
    const [, ours, perls] = /^<(.*)>\n<(.*)>\nSame\n$/s.exec(output) ?? []
    expect(ours).toMatch(
      /^Set-Cookie: CGISESSID=[0-9a-f]{32}; path=\/; expires=.* GMT\r\nDate: .* GMT\r\nContent-Type: text\/html; charset=ISO-8859-1\r\n\r\n$/,
    )
    expect(perls).toBe(ours)
    expect(readdirSync(folder)).toEqual([])
  })
})

it('scripts/cgi/cgi.sha1 finds in a second object what the first one saved, and leaves nothing behind', async () => {
  const folder = temporaryFolder()
  const output = await (await startNode('scripts/cgi/cgi.sha1.ts', [], { TMPDIR: folder })).done
  const [, id] = /^Id: ([0-9a-f]{40})\./.exec(output) ?? []
  expect(output).toBe(`Id: ${id}. Save: a_key => a_value.\nId: ${id}. Recover: a_key => a_value.\n`)
  expect(readdirSync(folder)).toEqual([])
})
