/**
 * Saves a value in one session object, and finds it again in a second one, which takes the id from a request.
 * Data::Session has it as scripts/cgi.sha1.pl.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ManagerOptions, Session } from 'data-session'

async function save(options: ManagerOptions): Promise<string> {
  await using session = await Session.open(options)
  session.param('a_key', 'a_value')
  console.log(`Id: ${session.id()}. Save: a_key => a_value.`)
  return session.id()
}

async function recover(options: ManagerOptions, id: string): Promise<void> {
  // Perl takes an id from the address of a page as well; here that must be asked for, as addresses are in everybody's logs.
  const query = { url: `/?CGISESSID=${encodeURIComponent(id)}`, headers: {} }
  await using session = await Session.open({ ...options, idFromParam: true, query })
  console.log(`Id: ${session.id()}. Recover: a_key => ${session.param('a_key')}.`)
  await session.delete()
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'data-session-sha1-'))
  try {
    const options = { type: 'driver:File;id:SHA1;serialize:DataDumper', directory, fileName: 'session.%s.dat' }
    await recover(options, await save(options))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
