/** The keys of hashes with other characters than ASCII: no two of Perl's keys become one. */

import { type Hash, setElement } from '../../lib/hash.js'
import { noteKey, noteSlot, originOf, type TextForm } from './origin.js'
import { decodeBytes, type Encoding, hasNonAscii } from './text.js'

/** The reader of a record, as far as keys are concerned. */
interface KeyReader {
  readonly encoding: Encoding
  noteText(text: string, form: TextForm): void
}

/** A key of Perl: its characters, and whether it has the UTF8 flag. */
interface PerlKey {
  readonly text: string
  readonly isChars: boolean
}

/** The bytes of a key as text: keys are text in every encoding. */
function decodeKey(perl: string, encoding: Encoding): ReturnType<typeof decodeBytes> {
  return decodeBytes(perl, encoding === 'utf8' ? 'utf8' : 'latin1')
}

/**
 * The keys of one hash with other characters than ASCII. Bytes are shown as the text they encode; where two keys
 * would be shown alike ("\xc3\xa9" in bytes and U+00E9), all keys of the hash are shown by Perl's code points instead.
 */
export class WideKeys {
  private readonly hash: Hash
  private readonly perlKeys = new Map<string, string>()
  private collided = false

  constructor(hash: Hash) {
    this.hash = hash
  }

  /** The JavaScript key for a key of Perl, noted. */
  show(reader: KeyReader, { text: perl, isChars }: PerlKey): string {
    let shown = isChars || this.collided ? perl : decodeKey(perl, reader.encoding).text
    const known = this.perlKeys.get(shown)
    if (known !== undefined && known !== perl) {
      this.showCodePoints()
      shown = perl
    }
    const form = isChars ? 'chars' : shown === perl ? 'latin1' : 'utf8'
    this.perlKeys.set(shown, perl)
    noteKey(this.hash, shown, form)
    reader.noteText(shown, form)
    return shown
  }

  private showCodePoints(): void {
    this.collided = true
    const pairs = Object.entries(this.hash)
    const { slots, keys } = originOf(this.hash)!
    const notes = new Map(slots)
    const forms = new Map(keys)
    slots?.clear()
    keys?.clear()
    for (const key of Object.keys(this.hash)) delete this.hash[key]
    for (const [shown, value] of pairs) {
      const key = this.perlKeys.get(shown) ?? shown
      const form = forms.get(shown)
      const note = notes.get(shown)
      setElement(this.hash, key, value)
      if (form !== undefined) noteKey(this.hash, key, form === 'utf8' ? 'latin1' : form)
      if (note !== undefined) noteSlot(this.hash, key, note.shown, note.form)
    }
    for (const perl of [...this.perlKeys.values()]) this.perlKeys.set(perl, perl)
  }
}

/** The JavaScript key under which a hash has a key of Perl; undefined: it has none. */
export function findKey(hash: Hash, perl: string): string | undefined {
  if (hasNonAscii(perl) && !/[^\x00-\xff]/.test(perl)) {
    const { text, form } = decodeBytes(perl, 'utf8')
    if (form === 'utf8' && originOf(hash)?.keys?.get(text) === form) return text
  }
  return Object.hasOwn(hash, perl) ? perl : undefined
}
