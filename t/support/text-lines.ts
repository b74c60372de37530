/** What a server of lines (memcached, Redis) says to a line. */

import { once } from 'node:events'
import { connect } from 'node:net'

/** The lines of an answer. @param end what its last line has in it */
export async function linesOf(
  server: { host: string; port: number },
  line: string,
  end: string | RegExp,
): Promise<string[]> {
  const socket = connect(server).setEncoding('utf8')
  try {
    socket.write(`${line}\r\n`)
    let text = ''
    while (!(typeof end === 'string' ? text.includes(end) : end.test(text))) {
      const [part] = (await once(socket, 'data')) as [string]
      text += part
    }
    return text.split('\r\n')
  } finally {
    socket.destroy()
  }
}
