/** What a reader shows of Perl's strings, and the form that it remembers of each. */

import { noteKey, type TextForm } from './origin.js'
import { decodeBytes, type Encoding, hasNonAscii } from './text.js'

/** A string as it is shown, and the form that leads back to it; no form: any would do. */
export interface Shown {
  readonly text: string
  readonly form: TextForm | undefined
}

/** The texts of one record. Perl's strings come with one character for each of Perl's. */
export class ShownTexts {
  /** The first form of each text so far. */
  readonly forms = new Map<string, TextForm>()
  /** The form of the string that was shown last, if it needs a note; whoever stores the text takes it. */
  form: TextForm | undefined = undefined
  private readonly encoding: Encoding

  constructor(encoding: Encoding) {
    this.encoding = encoding
  }

  /** What is shown of a string; `isChars`: it is a character string, and not one of bytes. */
  show(perl: string, isChars: boolean): string | Buffer {
    this.form = undefined
    if (this.encoding === 'bytes' && !isChars && hasNonAscii(perl)) return Buffer.from(perl, 'latin1')
    return this.showText(perl, isChars)
  }

  /** The same for patterns, which are texts in every encoding. */
  showText(perl: string, isChars: boolean): string {
    const { text, form } = this.decode(perl, isChars)
    this.form = form
    this.remember(text, form)
    return text
  }

  /**
   * The keys of a hash, noted. Keys are texts in every encoding; where two of them would be shown alike ("\xc3\xa9" in
   * bytes and "\xe9"), all are shown by Perl's code points instead.
   */
  showKeys(hash: object, perl: readonly string[], isChars: boolean): string[] {
    if (!perl.some(hasNonAscii)) return [...perl]
    let shown = perl.map((key) => this.decode(key, isChars))
    const isClear = new Set(shown.map(({ text }) => text)).size === new Set(perl).size
    if (!isClear) shown = perl.map((text) => ({ text, form: hasNonAscii(text) ? 'latin1' : undefined }))
    for (const { text, form } of shown) {
      if (form === undefined) continue
      noteKey(hash, text, form)
      this.remember(text, form)
    }
    return shown.map(({ text }) => text)
  }

  private decode(perl: string, isChars: boolean): Shown {
    if (!hasNonAscii(perl)) return { text: perl, form: undefined }
    return isChars ? { text: perl, form: 'chars' } : decodeBytes(perl, this.encoding === 'utf8' ? 'utf8' : 'latin1')
  }

  private remember(text: string, form: TextForm | undefined): void {
    if (form !== undefined && !this.forms.has(text)) this.forms.set(text, form)
  }
}
