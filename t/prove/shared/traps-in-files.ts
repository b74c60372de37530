/** What an attacker may put in the place of a session's file, with what it leads to outside of the folder of sessions. */

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { temporaryFolder } from '../../support/folders.js'
import { recordOf } from '../../support/records.js'

export const id = '0123456789abcdef'
const nobody = 65_534

/** A folder of sessions, and one outside of it that is nobody's business. */
export interface Scene {
  readonly directory: string
  readonly outside: string
  /** Where the session is, and its journal would be. */
  readonly path: string
  readonly journal: string
  /** Outside: a record of the session's own id, with a secret. */
  readonly secret: string
  /** All that is outside, to be compared. */
  outsideNow(): string
}

/** What the secret's record has in it, and no other. */
export const SECRET = 'zzzzzzzz'

export function newScene(): Scene {
  const parent = temporaryFolder()
  const [directory, outside] = [join(parent, 'sessions'), join(parent, 'outside')]
  mkdirSync(directory)
  mkdirSync(outside)
  const secret = join(outside, 'secret')
  writeFileSync(secret, recordOf(id, 6000, 25))
  chmodSync(secret, 0o600)
  const outsideNow = (): string => {
    const files = readdirSync(outside).sort()
    const states = files.map((name) => {
      const { mode, uid, size } = lstatSync(join(outside, name))
      return [name, mode, uid, size]
    })
    return JSON.stringify([states, readFileSync(secret, 'latin1')])
  }
  const path = join(directory, `cgisess_${id}`)
  return { directory, outside, path, journal: join(directory, `.ns-j-cgisess_${id}`), secret, outsideNow }
}

function make(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command}: ${stderr}`)
}

/** How each is put at a path. */
export const things: Readonly<Record<string, (at: string, scene: Scene) => unknown>> = {
  'a symbolic link': (at, { secret }) => symlinkSync(secret, at),
  'a relative link': (at) => symlinkSync('../outside/secret', at),
  'a dangling link': (at, { outside }) => symlinkSync(join(outside, 'made'), at),
  'a link to a folder': (at, { outside }) => symlinkSync(outside, at),
  'a link to a device': (at) => symlinkSync('/dev/zero', at),
  'a link to itself': (at) => symlinkSync(at, at),
  'a hard link': (at, { secret }) => linkSync(secret, at),
  'a pipe': (at) => make('mkfifo', at),
  'a folder': (at) => mkdirSync(at),
  'a socket': async (at) => {
    const server = createServer().listen(at)
    await new Promise((resolve) => server.once('listening', resolve))
    afterAll(() => server.close())
  },
}

/** Those that only root can make. */
export const thingsOfRoot: typeof things = {
  'a device': (at) => make('mknod', at, 'c', '1', '5'),
  "somebody else's file in a folder like /tmp": (at, { directory, secret }) => {
    chmodSync(directory, 0o1777)
    writeFileSync(at, readFileSync(secret))
    chownSync(at, nobody, nobody)
  },
}
