/** The opcodes of Storable, by their names in Storable.xs without SX_, and what else is spelled in single bytes. */

export const serializerName = 'Storable'

export const object = 0
export const longScalar = 1
export const array = 2
export const hash = 3
export const reference = 4
export const undef = 5
export const integer = 6
export const double = 7
export const byte = 8
export const netInteger = 9
export const scalar = 10
export const tiedArray = 11
export const tiedHash = 12
export const tiedScalar = 13
export const constantUndef = 14
export const constantTrue = 15
export const constantFalse = 16
export const bless = 17
export const knownBless = 18
export const hook = 19
export const overload = 20
export const tiedKey = 21
export const tiedIndex = 22
export const utf8 = 23
export const longUtf8 = 24
export const flagHash = 25
export const code = 26
export const weakReference = 27
export const weakOverload = 28
export const vstring = 29
export const longVstring = 30
export const undefElement = 31
export const regexp = 32
export const largeObject = 33
export const booleanTrue = 34
export const booleanFalse = 35

/** In the flags of a hash: nobody can add a key. */
export const restricted = 1

/** In the flags of a key. */
export const keyUtf8 = 1
export const keyWasUtf8 = 2
export const keyLocked = 4
export const keyIsScalar = 8
export const keyPlaceholder = 16

/** In the flags of a hook. */
export const hookKind = 3
export const hookTied = 3
export const hookLongClass = 4
export const hookLongString = 8
export const hookLongList = 16
export const hookKnownClass = 32
export const hookObject = 64
export const hookList = 128

/** In the length of a class name and in the number of a class: four bytes follow. */
export const longLength = 128

/** In the flags of a pattern: four bytes of length. */
export const longPattern = 1
