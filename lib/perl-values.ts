/**
 * Perl values that JavaScript has no word for.
 *
 * Most of a Perl session is plain data here: undef is `null`, hashes are objects, arrays are arrays, strings are
 * strings, integers are numbers (`bigint` beyond 2^53). These classes stand for the rest. Objects of these classes are
 * values: they carry data, never behaviour, and nothing in them is ever run.
 */

const inspectCustom = Symbol.for('nodejs.util.inspect.custom')

type Inspect = (value: unknown, options?: unknown) => string

/** A blessed value: Perl's `bless($value, $className)`. */
export class PerlObject {
  /** The Perl package, such as `DateTime`. */
  className: string
  /** What is blessed: an object (hash), an array, a `ScalarRef`, an `ElementRef`, a `PerlRegExp` or a `StorableHook`. */
  value: unknown

  constructor(className: string, value: unknown) {
    this.className = className
    this.value = value
  }

  [inspectCustom](_depth: number, options: unknown, inspect: Inspect): string {
    return `PerlObject<${this.className}> ${inspect(this.value, options)}`
  }
}

/** A reference to a scalar: Perl's `\ $value`. Two places that hold one `ScalarRef` share one Perl scalar. */
export class ScalarRef {
  value: unknown

  constructor(value: unknown) {
    this.value = value
  }

  [inspectCustom](_depth: number, options: unknown, inspect: Inspect): string {
    return `ScalarRef(${inspect(this.value, options)})`
  }
}

/** A reference to an element of a hash or an array: Perl's `\ $hash->{key}`. */
export class ElementRef {
  /** The object or the array that has the element. */
  readonly container: Record<string, unknown> | unknown[]
  readonly key: string | number

  constructor(container: Record<string, unknown> | unknown[], key: string | number) {
    this.container = container
    this.key = key
  }

  /** The element, now. */
  get value(): unknown {
    return (this.container as Record<string | number, unknown>)[this.key]
  }

  set value(value: unknown) {
    ;(this.container as Record<string | number, unknown>)[this.key] = value
  }

  [inspectCustom](): string {
    return `ElementRef(${JSON.stringify(this.key)})`
  }
}

/**
 * What a Perl class made of an object by its own `STORABLE_freeze`, as DateTime does: the value of a `PerlObject` in
 * records of Storable. Only the class can read it, so it is kept as it is and goes back as it came.
 */
export class StorableHook {
  /** What kind of thing the object is. */
  readonly kind: 'scalar' | 'array' | 'hash'
  /** The string that the class returned. */
  readonly frozen: Uint8Array
  /** The references that the class returned behind it. */
  readonly values: readonly unknown[]

  constructor(kind: StorableHook['kind'], frozen: Uint8Array, values: readonly unknown[]) {
    this.kind = kind
    this.frozen = frozen
    this.values = values
  }

  [inspectCustom](_depth: number, options: unknown, inspect: Inspect): string {
    return `StorableHook(${this.kind}, ${this.frozen.length} bytes, ${inspect(this.values, options)})`
  }
}

/** A pattern: Perl's `qr/source/flags`. It is kept, never run: Perl's syntax is not JavaScript's. */
export class PerlRegExp {
  readonly source: string
  /** Perl's flags, such as `msix` or `u`. */
  readonly flags: string

  constructor(source: string, flags = '') {
    this.source = source
    this.flags = flags
  }

  [inspectCustom](): string {
    return `PerlRegExp(qr/${this.source}/${this.flags})`
  }
}

/** A version string: Perl's `v1.22.333`. */
export class PerlVString {
  /** As it was written: `v1.22.333` or `1.22.333`. */
  readonly source: string

  constructor(source: string) {
    if (!PerlVString.isSource(source)) {
      throw new TypeError('A PerlVString is written as v1.22.333 or 1.22.333, in at most 1000 characters')
    }
    this.source = source
  }

  /** Is it a version string, not longer than any program would write one? Each number is a character, up to U+10FFFF. */
  static isSource(source: string): boolean {
    if (source.length > 1000 || !/^(?:v\d+(?:\.\d+)*|\d+(?:\.\d+){2,})$/.test(source)) return false
    return source
      .replace('v', '')
      .split('.')
      .every((number) => Number(number) <= 0x10ffff)
  }

  /** The value in Perl: one character for each number. */
  get value(): string {
    return String.fromCodePoint(...this.source.replace('v', '').split('.').map(Number))
  }

  [inspectCustom](): string {
    return `PerlVString(${this.source})`
  }
}

/** A typeglob by its name: Perl's `*::STDOUT`, mostly behind a reference, as in a saved file handle. Only its name is kept. */
export class PerlGlob {
  /** As Data::Dumper writes it: `*::STDOUT` for one of package main, `*My::Package::HANDLE`. */
  readonly source: string

  constructor(source: string) {
    if (source.length > 1000 || !/^\*(?:::)?[A-Za-z_]\w*(?:::\w+)*$/.test(source)) {
      throw new TypeError('A PerlGlob is written as *::STDOUT or *My::Package::HANDLE')
    }
    this.source = source
  }

  [inspectCustom](): string {
    return `PerlGlob(${this.source})`
  }
}
