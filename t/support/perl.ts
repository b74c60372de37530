/** Runs Perl programs. */

import { spawnSync } from 'node:child_process'

/**
 * What a Perl program prints, as it prints it (one character a byte).
 * @throws when it fails, with what it said
 */
export function perl(program: string, args: readonly string[] = [], env: Record<string, string> = {}): string {
  const run = spawnSync('perl', ['-we', `use strict; ${program}`, ...args], {
    encoding: 'latin1',
    env: { ...process.env, ...env },
  })
  if (run.status !== 0) throw new Error(`perl failed: ${run.stderr}`)
  if (run.stderr !== '') throw new Error(`perl warned: ${run.stderr}`)
  return run.stdout
}
