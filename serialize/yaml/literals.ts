/** Strings as YAML::Tiny reads them back, in ASCII. Where that is possible they are written as YAML::Tiny writes them. */

const looksLikeNumber = /^\s*[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?|inf(?:inity)?|nan)\s*$/i
/** Not printable in ASCII, or an apostrophe. */
const special = /[^\x20-\x26\x28-\x7e]/
const misleading = /^[~!@#%&*|>?:,'"`{}[\]]|^-+$| |:$|^(?:null|true|false|)$/
const escaped = /[\\"\x00-\x1f\x7f-\xff]/g
/** A short string that says what it is, as a value and as a key. */
const simple = /^[A-Za-z_][\w./+=<>;()^$-]*$/

const names: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '\x85': '\\N',
}

/**
 * Would Perl destroy the record when it writes this text again? YAML::Tiny escapes nothing in what looks like a number, and reads no
 * quoted text that has a line end.
 */
export function isUndoneByPerl(perl: string): boolean {
  return /[\n\r]/.test(perl) && (looksLikeNumber.test(perl) || /^- *[\n\r]$/.test(perl))
}

/**
 * And this key? YAML::Tiny writes it bare, and then takes what begins with a dash for an item of a list, where it is not at the top;
 * and anywhere three of them, or dots, for the end of a document.
 */
export function isKeyUndoneByPerl(perl: string, isNested: boolean): boolean {
  if (isUndoneByPerl(perl)) return true
  return (isNested ? /^-/ : /^(?:---|\.\.\.)/).test(perl) && !isQuotedByPerl(perl)
}

function isQuotedByPerl(perl: string): boolean {
  return /[\x00-\x1f\x7f-\x9f']/.test(perl) || misleading.test(perl) || looksLikeNumber.test(perl)
}

/** Is the text written as it is? Most texts are, so this comes first. */
export function isSimple(text: string): boolean {
  return simple.test(text) && (text.length > 8 || !/^(?:null|true|false|inf|infinity|nan)$/i.test(text))
}

/** A value. `perl` has one character for each of Perl's, none above U+00FF. */
export function quoteValue(perl: string): string {
  if (special.test(perl)) return `"${perl.replace(escaped, escapeSign)}"`
  return misleading.test(perl) || looksLikeNumber.test(perl) ? `'${perl}'` : perl
}

/** A key. YAML::Tiny takes what begins with a dash for an item, or for a document's end: bare it could not read them. */
export function quoteKey(perl: string): string {
  const text = quoteValue(perl)
  return /^-|^\.\.\./.test(text) ? `'${text}'` : text
}

function escapeSign(sign: string): string {
  return names[sign] ?? `\\x${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
