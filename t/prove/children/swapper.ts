/**
 * Puts one thing after the other in the place of a file, as fast as it can, until the standard input ends: `node swapper.cjs <path>
 * <good file> <thing…>`. Every other thing is a copy of the good file. Says after each hundred how many it has put there.
 */

import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync, writeSync } from 'node:fs'

const [path = '', good = '', ...things] = process.argv.slice(2)
const content = readFileSync(good)
const hidden = `${path}.swap`

/** Put it there, whatever it is: another name of a link is that link, and not what it leads to. */
function put(thing: string): void {
  try {
    linkSync(thing, hidden)
  } catch {
    // Renaming does nothing where both names are the same file's.
    unlinkSync(hidden)
    linkSync(thing, hidden)
  }
  renameSync(hidden, path)
}

function putGood(): void {
  writeFileSync(hidden, content)
  renameSync(hidden, path)
}

async function main(): Promise<void> {
  let isOver = false
  process.stdin.resume().on('end', () => {
    isOver = true
  })
  let swaps = 0
  for (; !isOver; swaps++) {
    put(things[swaps % things.length]!)
    putGood()
    if (swaps % 100 > 0) continue
    writeSync(1, `${swaps}\n`)
    await new Promise(setImmediate)
  }
}

void main()
