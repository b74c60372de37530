/** Let real Perl read what Node wrote: one Perl process for any number of records. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Node } from './perl-notation.js'

/** A record, and the value that Perl must get from it. */
export interface PerlCase {
  /** For the list of failures. */
  readonly name: string
  /** As in t/fixtures/perl/README.md: `DataDumper`, `cgi-default`, `Storable`… */
  readonly serializer: string
  readonly bytes: Uint8Array
  readonly expected: Node
}

const script = resolve('t/support/perl-check.pl')

function writeCase(folder: string, index: number, { name, serializer, bytes, expected }: PerlCase): void {
  const bin = `${index}.bin`
  writeFileSync(join(folder, bin), bytes)
  const manifest = { case: name, values: [expected], files: [{ serializer, bin, thaw: 0 }] }
  writeFileSync(join(folder, `${index}.json`), JSON.stringify(manifest))
}

/** The failures that perl-check.pl prints: `FAIL folder/12.json DataDumper thaw`, then what Perl got. */
function failures(cases: readonly PerlCase[], output: string): string[] {
  const found = output.matchAll(/^FAIL \S*?(\d+)\.json .*\n\s*got (.*)$/gm)
  return [...found].map(([, index, got]) => {
    const { name, expected } = cases[Number(index)]!
    return `${name}: Perl reads ${got}, not ${JSON.stringify(expected)}`
  })
}

/** How many records of each kind Perl agreed with: `DataDumper             ok 12`. */
function agreed(output: string): number {
  const lines = output.matchAll(/^\S+ +.*\bok (\d+)/gm)
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0)
}

/**
 * Compare what real Perl reads with what is expected.
 * @returns one line for each record that Perl reads as something else; none when all is well
 * @throws {Error} when Perl did not look at every record
 */
export function verifyByPerl(cases: readonly PerlCase[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'perl-check-'))
  try {
    for (const [index, one] of cases.entries()) writeCase(folder, index, one)
    const { stdout, stderr } = spawnSync('perl', [script, '--verify', folder], {
      encoding: 'latin1',
      maxBuffer: 1 << 28,
    })
    const failed = failures(cases, stdout)
    const seen = failed.length + agreed(stdout)
    if (seen !== cases.length) throw new Error(`Perl read ${seen} of ${cases.length} records: ${stderr.slice(0, 2000)}`)
    return failed
  } finally {
    rmSync(folder, { recursive: true })
  }
}
