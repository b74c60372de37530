/** The temporary folder as Perl finds it. */

import { accessSync, constants } from 'node:fs'

/** Perl's `File::Spec->tmpdir`, which looks at TMPDIR alone, so that both languages agree on the default. */
export function perlTmpdir(): string {
  if (process.platform === 'win32') return process.getBuiltinModule('node:os').tmpdir()
  const named = process.env.TMPDIR
  if (!named) return '/tmp'
  try {
    accessSync(`${named}/`, constants.W_OK)
    return named
  } catch {
    return '/tmp'
  }
}
