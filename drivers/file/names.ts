/** Which file belongs to which session. */

import { resolve } from 'node:path'
import type { OptionReader } from '../../lib/contracts.js'
import { IdError, OptionError } from '../../lib/errors.js'
import { isId, logId } from '../../lib/id-check.js'
import { perlTmpdir } from '../../lib/perl-tmpdir.js'

/** Reads `directory`. */
export const directoryReader: OptionReader<string> = (value, name) => {
  if (value === undefined) return resolve(perlTmpdir())
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return resolve(value)
  throw new OptionError(name, `Option '${name}' must be the path of a directory`)
}

// With 48 bytes around it, the longest id still leaves room for the prefix of a journal.
const LONGEST_PATTERN = 48

/** Reads `fileName`. */
export const fileNameReader: OptionReader<string> = (value, name) => {
  if (value === undefined) return 'cgisess_%s'
  if (typeof value === 'string' && isPattern(value)) return value
  const wanted = `contain %s once, and no other %, no slash and no leading dot, in at most ${LONGEST_PATTERN} bytes`
  throw new OptionError(name, `Option '${name}' must ${wanted}; the default is 'cgisess_%s'`)
}

function isPattern(text: string): boolean {
  return /^(?!\.)[^%/\\\x00-\x1f]*%s[^%/\\\x00-\x1f]*$/.test(text) && Buffer.byteLength(text) <= LONGEST_PATTERN
}

/** The names in one directory. Names that begin with a dot are unseen by Perl's drivers, and belong to this one. */
export class FileNames {
  readonly directory: string
  readonly #before: string
  readonly #after: string
  #counter = 0

  constructor(directory: string, fileName: string) {
    this.directory = directory
    const place = fileName.indexOf('%s')
    this.#before = fileName.slice(0, place)
    this.#after = fileName.slice(place + 2)
  }

  /** The file of a session. */
  path(id: string): string {
    return `${this.directory}/${this.#name(id)}`
  }

  /** Where the journal of a session is while its file is being rewritten. */
  journal(id: string): string {
    return `${this.directory}/.ns-j-${this.#name(id)}`
  }

  /** The file of the session whose journal has this name (without the directory). */
  journaled(name: string): string | undefined {
    if (!name.startsWith('.ns-j-') || this.id(name.slice('.ns-j-'.length)) === undefined) return undefined
    return `${this.directory}/${name.slice('.ns-j-'.length)}`
  }

  /** A new name for a file in the making. It need not be a secret: such files are opened with O_EXCL. */
  temporary(): string {
    const random = Math.random().toString(36).slice(2)
    return `${this.directory}/.ns-t-${process.pid}-${this.#counter++}-${random}`
  }

  /** Is this the name (without the directory) of a file in the making? */
  isTemporary(name: string): boolean {
    return name.startsWith('.ns-t-')
  }

  /** The id that the name of a file (without the directory) stands for. */
  id(name: string): string | undefined {
    if (!name.startsWith(this.#before) || !name.endsWith(this.#after)) return undefined
    const id = name.slice(this.#before.length, name.length - this.#after.length)
    return isId(id, 'word') ? id : undefined
  }

  #name(id: string): string {
    const name = `${this.#before}${id}${this.#after}`
    // The caller has checked the id; whatever comes, this driver does not leave its directory.
    if (/[/\\\0]|^\.\.?$/.test(name)) {
      throw new IdError('ERR_SESSION_ID_INVALID', `${logId(id)} cannot be part of a file name`)
    }
    return name
  }
}
