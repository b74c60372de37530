/**
 * Every leaf of a session that Perl wrote is changed in turn, and real Perl sees that only it changed. (Storable and
 * FreezeThaw have this test beside their others.)
 */

import { expect, it } from 'vitest'
import type { PluginClass, Serializer } from '../../lib/contracts.js'
import { readOptions } from '../../lib/options.js'
import DataDumper from '../../serialize/DataDumper.js'
import Json from '../../serialize/JSON.js'
import Yaml from '../../serialize/YAML.js'
import { countDifferences, leavesOf } from '../support/leaves.js'
import { perl } from '../support/perl.js'
import { type PerlCase, verifyByPerl } from '../support/perl-check.js'
import { describeValue } from '../support/perl-notation.js'
import { describeWith } from '../support/requirements.js'

/** A session in $data. */
const session = (items: string, more: string) => String.raw`
  my $items = [map { ${items} } 1 .. 25];
  my $data = {_SESSION_ID => 'abc', _SESSION_CTIME => 1600000000, _SESSION_PTIME => {cart => 60}, items => $items, nothing => undef,
    empty => {}, list => [], text => qq{line\n'quoted' "twice"}, digits => '007', ${more}};
  binmode STDOUT;
`
const plainItem = '{id => $_, name => "item $_", price => "$_.25", tags => ["a $_", "b $_"], stock => {here => $_ * 3}}'
const mixedItem = String.raw`{id => $_, name => "caf\xc3\xa9 $_", wide => "\x{263a} $_", latin => "\xe9$_", tags => [$_ * 2, "t$_"]}`
const mixedMore = String.raw`object => bless({a => [1, {b => 'deep'}]}, 'My::Class'), again => $items, ref => \'text', "k\x{e9}y" => {"\x{263a}" => 1}`

const formats: [name: string, Plugin: PluginClass<Serializer>, program: string][] = [
  [
    'DataDumper',
    DataDumper,
    String.raw`use Data::Dumper; ${session(mixedItem, mixedMore)}
      $data->{self} = $data; $data->{element} = \$items->[3]{name};
      print Data::Dumper->new([$data], ['D'])->Indent(0)->Purity(1)->Dump, ';$D'`,
  ],
  ['JSON', Json, `use JSON; ${session(plainItem, 'number => 1.5')} print JSON->new->encode($data)`],
  ['YAML', Yaml, `use YAML::Tiny; ${session(plainItem, 'number => 1.5')} print YAML::Tiny::freeze($data)`],
]

for (const [name, Plugin, program] of formats) {
  describeWith(name === 'YAML' ? 'yaml-tiny' : 'perl', `${name}: one changed leaf`, () => {
    it('is the only one that changes for Perl', () => {
      const serializer = new Plugin(readOptions(Plugin.options, {}), { now: () => 0, padding: false })
      const record = Buffer.from(perl(program), 'latin1')
      const count = leavesOf(serializer.thaw(record)).length
      expect(count).toBeGreaterThan(130)
      const cases = Array.from({ length: count }, (_, index): PerlCase => {
        const value = serializer.thaw(record)
        const before = describeValue(value)
        const [container, key] = leavesOf(value)[index]!
        container[key] = 'changed leaf'
        const expected = describeValue(value)
        expect(countDifferences(before, expected), `leaf ${index}`).toBe(1)
        return { name: `leaf ${index} ${key}`, serializer: name, bytes: serializer.freeze(value), expected }
      })
      expect(verifyByPerl(cases).slice(0, 3)).toEqual([])
    })
  })
}
