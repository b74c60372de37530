/** The headers of a page that are not those of the error in its place. */

/** What tells of the content, and is wrong for the error that comes in its place. */
export const contentHeaders = [
  'Accept-Ranges Content-Disposition Content-Encoding Content-Language Content-Length Content-Location Content-Range Content-Type',
  'ETag Expires Last-Modified Location Trailer Transfer-Encoding',
].flatMap((line) => line.split(' '))
