/** The character codes that the readers look at. */

/** Behind the last character. */
export const end = -1
export const blank = 32
export const doubleQuote = 34
export const hash = 35
export const dollar = 36
export const quote = 39
export const closeRound = 41
export const comma = 44
export const minus = 45
export const slash = 47
export const zero = 48
export const nine = 57
export const semicolon = 59
export const equals = 61
export const greater = 62
export const openSquare = 91
export const backslash = 92
export const closeSquare = 93
export const openBrace = 123
export const closeBrace = 125
