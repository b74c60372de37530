/** The signs of the format, as character codes. */

export const undef = 0x5f
export const text = 0x24
export const list = 0x40
export const hash = 0x25
export const reference = 0x5c
export const pattern = 0x2f
export const repeated = 0x3c
export const object = 0x3e
/** An empty object in the table of repeated things. */
export const emptyObject = 0x7b
/** The content of an object in that table. */
export const objectContent = 0x7d
/** A class by its number, when it has been met. */
export const knownClass = 0x29
/** Behind every number. */
export const bar = 0x7c
/** The table itself. */
export const table = 0x21
export const code = 0x26
export const glob = 0x2a
/** What safeFreeze() writes. */
export const lock = 0x3f
