/** The lines of a record, one at a time. */

import { skipBlanks } from './blanks.js'

/**
 * A record and a line of it. YAML::Tiny drops blank lines and comments before it looks at anything else, even those
 * inside blocks of text; so they are never seen here.
 */
export class Lines {
  readonly text: string
  /** The line, without its end. */
  line = ''
  /** How much white space the line begins with. */
  indent = 0
  /** Where the line begins in the record. */
  start = 0
  /** There is no line any more. */
  atEnd = false
  private pos = 0
  /** Any run of these is a line end: what is between them is blank. */
  private readonly lineEnd: RegExp | undefined

  constructor(text: string) {
    this.text = text
    this.lineEnd = text.includes('\r') ? /[\r\n]/g : undefined
    if (text.startsWith('\ufeff')) this.pos = 1
    this.next()
  }

  /** Go to the next line that counts. */
  next(): void {
    do {
      this.start = this.pos
      this.atEnd = this.pos >= this.text.length
      const end = this.findEnd()
      this.line = this.text.slice(this.pos, end)
      this.pos = end + 1
      this.indent = skipBlanks(this.line, 0)
    } while (!this.atEnd && (this.indent === this.line.length || this.line[this.indent] === '#'))
  }

  private findEnd(): number {
    const { text, lineEnd } = this
    if (lineEnd === undefined) {
      const end = text.indexOf('\n', this.pos)
      return end < 0 ? text.length : end
    }
    lineEnd.lastIndex = this.pos
    return lineEnd.exec(text)?.index ?? text.length
  }

  /** Does the line begin or end a document? */
  isMarker(): boolean {
    return this.isHeader() || this.line.startsWith('...')
  }

  /** Does the line begin a document? */
  isHeader(): boolean {
    return this.line.startsWith('---')
  }

  /** Go to the header of the next document, or to the end. */
  skipDocument(): void {
    while (!this.atEnd && !this.isHeader()) this.next()
  }
}
