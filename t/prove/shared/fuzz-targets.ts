/** What `fuzz` gives odd inputs to: each reader of what others wrote, with inputs to begin from. */

import { parseDuration } from '../../../lib/duration.js'
import { OptionError, SerializeError } from '../../../lib/errors.js'
import { formatType, parseType } from '../../../lib/type-string.js'
import { DumpError, DumpReader } from '../../../scripts/import/dump-reader.js'
import { makeSerializer, recordsOf, serializerNames } from '../../fuzz/serializers.js'

/** A reader of hostile input. */
export interface FuzzTarget {
  /** Good inputs, and bad ones of interest. */
  seeds(): Buffer[]
  /** What it makes of an input; a good value is given back to whatever writes it. */
  read(input: Buffer): unknown
  /** The only error that may come. */
  readonly refusal: new (
    ...args: never[]
  ) => Error
}

/** Longer fixtures are left out: most inputs would be slow to make, and no wiser. */
const LONGEST_SEED = 20_000
const fixtures = 't/fixtures/perl'

/** A value of a record, which is written again. A value that cannot be written must be refused in the same way. */
function readerOf(name: string): FuzzTarget {
  const serializer = makeSerializer(name)
  return {
    seeds: () => recordsOf(name, fixtures).filter((record) => record.length <= LONGEST_SEED),
    read: (input) => {
      const value = serializer.thaw(input)
      serializer.freeze(value)
      return value
    },
    refusal: SerializeError,
  }
}

const linesOf = (text: string) => text.split('\n').map((line) => Buffer.from(line))

const types = `
driver:File;id:MD5;serialize:DataDumper
DRIVER:SQLite; ID:SHA1 ;serialize:JSON
serialize:Storable
driver:mysql;;id:UUID16;
driver:__proto__;id:constructor;serialize:toString
driver:a:b;driver:c`

const durations = '\n0\n10\n-10s\n+2h\n1d\n3w\n10M\n1y\n999999999999y\n1e3\n 5\n5 \n0x10\n1.5h\n--1s\nNaN'

const dump = `VERSION=3
format=print
type=hash
db_pagesize=4096
HEADER=END
 cgisess_1
 $D = {'_SESSION_ID' => 'a\\5cb\\ff'};;$D
DATA=END
`
const hexDump = 'VERSION=3\nformat=bytevalue\ntype=btree\nHEADER=END\n 6b6579\n 76616c7565ff\n 00\n \nDATA=END\n'

function readDump(input: Buffer): unknown {
  const reader = new DumpReader(1000)
  const middle = input.length >> 1
  const entries = [...reader.feed(input.subarray(0, middle)), ...reader.feed(input.subarray(middle))]
  reader.finish()
  return entries
}

/** All targets by name. A parser that is added needs a line here. */
export const fuzzTargets: Readonly<Record<string, FuzzTarget>> = {
  ...Object.fromEntries(serializerNames.map((name) => [name, readerOf(name)])),
  'type-string': {
    seeds: () => linesOf(types),
    read: (input) => formatType(parseType(input.toString())),
    refusal: OptionError,
  },
  duration: {
    seeds: () => linesOf(durations),
    read: (input) => parseDuration(input.toString()),
    refusal: OptionError,
  },
  dump: {
    seeds: () => [dump, hexDump, dump + hexDump].map((text) => Buffer.from(text, 'latin1')),
    read: readDump,
    refusal: DumpError,
  },
}
