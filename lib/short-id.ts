/** An id as messages show it: enough to tell two apart in a log, too little to use it. */
export function shortId(id: string): string {
  const start = id.slice(0, Math.min(4, Math.floor(id.length / 2)))
  return `${start.replace(/[^\x20-\x7e]/g, '?')}…`
}
