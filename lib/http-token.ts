/** Names in HTTP. */

/** Is a text a token (RFC 9110, section 5.6.2), as names of headers and of cookies are? */
export const isToken = (text: string): boolean => /^[\w!#$%&'*+.^`|~-]+$/.test(text)
