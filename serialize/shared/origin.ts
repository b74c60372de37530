/**
 * How Perl held what JavaScript shows in another form, so that a value that nobody touched is written back as it was.
 *
 * JavaScript has one kind of string and one kind of number; Perl tells bytes from characters and integers from doubles.
 * A reader shows the plain JavaScript value and notes here, for the slot (a container and a key) it stands in, the form
 * that a writer would not choose by itself. A writer asks here first. A note counts only while the slot still holds the
 * value that was shown. It is kept outside the data, in a WeakMap, so users never see it and copies are plain data.
 *
 * Text needs more: `items.shift()` moves strings to other slots and `{ ...cart }` copies them to a new object, and Perl's
 * `eq` tells "caf\xc3\xa9" in bytes from the same word in characters. So a record also remembers, for each text with
 * non-ASCII characters, the form it had; that form is used wherever the text turns up in the record without a note.
 */

/** `utf8`, `latin1`: a byte string, shown as the text it encodes. `chars`: a character string (Perl's UTF8 flag). */
export type TextForm = 'utf8' | 'latin1' | 'chars'

/**
 * `double`: a whole number that Perl holds as floating point, or an infinite one, or none. `json-boolean`: an object of class JSON::PP::Boolean.
 * `perl-boolean`: a boolean of Perl 5.36 and later; `perl-constant`: one of Perl's read-only constants true and false.
 * `weak`: a weak reference.
 */
export type Form = TextForm | 'double' | 'json-boolean' | 'perl-boolean' | 'perl-constant' | 'weak'

/** A note on one slot. */
interface Note {
  readonly shown: unknown
  readonly form: Form
}

/** Elements that are one Perl scalar: setting one sets all of them. */
export interface Alias {
  /** They count as one while each still holds this value. */
  readonly shown: unknown
}

/** What Perl's Hash::Util did to a hash: nobody can add a key. */
export interface HashLock {
  /** The keys whose values are read-only. */
  readonly locked: ReadonlySet<string>
  /** The keys that the hash may get again, by Perl's characters. */
  readonly allowed: readonly { readonly text: string; readonly isChars: boolean }[]
}

/** All notes on one container. */
export interface ContainerOrigin {
  /** By key of a hash, index of an array, or `value` of a ScalarRef. */
  slots?: Map<string | number, Note>
  /** How the keys of a hash were held. */
  keys?: Map<string, TextForm>
  /** On the outermost value only: the form of each text in the record. */
  texts?: Map<string, TextForm>
  /** Elements that are one scalar with others. */
  aliases?: Map<string | number, Alias>
  /** A hash that Hash::Util locked. */
  lock?: HashLock
  /** On a PerlObject: its class has overloaded operators, and Perl loads it before it reads the object. */
  isOverloaded?: boolean
}

const origins = new WeakMap<object, ContainerOrigin>()

/** The notes on a container, if there are any. */
export function originOf(container: object): ContainerOrigin | undefined {
  return origins.get(container)
}

function makeOriginOf(container: object): ContainerOrigin {
  let origin = origins.get(container)
  if (origin === undefined) {
    origin = {}
    origins.set(container, origin)
  }
  return origin
}

/** Note the form of the value in a slot. */
export function noteSlot(container: object, key: string | number, shown: unknown, form: Form): void {
  const origin = makeOriginOf(container)
  origin.slots ??= new Map()
  origin.slots.set(key, { shown, form })
}

/** Note the form of a key of a hash. */
export function noteKey(container: object, key: string, form: TextForm): void {
  const origin = makeOriginOf(container)
  origin.keys ??= new Map()
  origin.keys.set(key, form)
}

/** Note that an element is one scalar with other elements. */
export function noteAlias(container: object, key: string | number, alias: Alias): void {
  const origin = makeOriginOf(container)
  origin.aliases ??= new Map()
  origin.aliases.set(key, alias)
}

/** Note that a hash is locked. */
export function noteLock(hash: object, lock: HashLock): void {
  makeOriginOf(hash).lock = lock
}

/** Note that the class of a PerlObject has overloaded operators. */
export function noteOverloaded(object: object): void {
  makeOriginOf(object).isOverloaded = true
}

/** Note the forms of all texts of a record on its outermost value. */
export function noteTexts(root: object, texts: Map<string, TextForm>): void {
  if (texts.size > 0) makeOriginOf(root).texts = texts
}

/**
 * The form of what stands in a slot now: as noted while the value is the one that was shown; a changed text keeps the
 * kind of string that stood there before.
 */
export function formOf(origin: ContainerOrigin | undefined, key: string | number, current: unknown): Form | undefined {
  const note = origin?.slots?.get(key)
  if (note === undefined) return undefined
  if (Object.is(note.shown, current)) return note.form
  return typeof current === 'string' && typeof note.shown === 'string' ? note.form : undefined
}
