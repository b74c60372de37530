/**
 * Thaws damaged records: mutations and truncations of every fixture, the same ones for the same seed.
 *
 * A process of its own, with a small heap (the caller says --max-old-space-size), so that an allocation from a length field ends it.
 * Arguments: the folder of fixtures, a serializer, how many inputs, the seed. Prints what happened as JSON.
 */

import fc from 'fast-check'
import { SerializeError } from '../../lib/errors.js'
import { apply, damage } from './damage.js'
import { makeSerializer, recordsOf } from './serializers.js'

const [folder = '', name = '', runs = '0', seed = '0'] = process.argv.slice(2)
const mebibyte = 1024 * 1024

const counts = { thawed: 0, refused: 0, frozen: 0, arrayBuffersMiB: 0 }

/** Anything but a value or a SerializeError is thrown on. */
function attempt<Result>(run: () => Result): Result | undefined {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof SerializeError)) throw error
    return undefined
  }
}

function main(): void {
  const serializer = makeSerializer(name)
  const all = recordsOf(name, folder)
  const untouched = Object.getOwnPropertyNames(Object.prototype).join()
  const input = fc.record({
    record: fc.constantFrom(...all),
    changes: fc.array(damage, { minLength: 1, maxLength: 4 }),
  })
  const property = fc.property(input, ({ record, changes }) => {
    const value = attempt(() => serializer.thaw(changes.reduce(apply, record)))
    if (value === undefined) counts.refused++
    else {
      counts.thawed++
      if (attempt(() => serializer.freeze(value)) !== undefined) counts.frozen++
    }
    if (Object.getOwnPropertyNames(Object.prototype).join() !== untouched) throw new Error('a prototype was reached')
    counts.arrayBuffersMiB = Math.max(counts.arrayBuffersMiB, process.memoryUsage().arrayBuffers / mebibyte)
  })
  fc.assert(property, { numRuns: Number(runs), seed: Number(seed), endOnFailure: true })
  console.log(JSON.stringify({ records: all.length, ...counts }))
}

main()
