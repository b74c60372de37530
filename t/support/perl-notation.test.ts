import { describe, expect, it } from 'vitest'
import { fixtures } from './fixtures.js'
import { buildValue, describeValue, type Node, NotRepresentable } from './perl-notation.js'

const serializers = ['DataDumper', 'FreezeThaw', 'JSON', 'Storable', 'Storable-nfreeze', 'YAML', 'cgi-default']

/** Every value of the fixtures, once. */
function allNodes(): Node[] {
  const texts = fixtures(serializers).flatMap(({ source, thaw, variable }) =>
    [source, thaw, variable].flatMap((outcome) => {
      if (outcome === undefined) return []
      const node = isOutcome(outcome) ? ('value' in outcome ? outcome.value : null) : outcome
      return [JSON.stringify(node)]
    }),
  )
  return [...new Set(texts)].map((text) => JSON.parse(text))
}

function isOutcome(node: unknown): node is { value: Node } | { error: string } {
  return typeof node === 'object' && node !== null && ('value' in node || 'error' in node)
}

describe('the notation of Perl values', () => {
  for (const encoding of ['utf8', 'latin1', 'bytes'] as const) {
    it(`describes what was built as what it was built from (${encoding})`, () => {
      const nodes = allNodes()
      let refused = 0
      for (const node of nodes) {
        try {
          expect(JSON.stringify(describeValue(buildValue(node, { encoding }), { encoding }))).toBe(JSON.stringify(node))
        } catch (error) {
          if (!(error instanceof NotRepresentable)) throw error
          refused++
        }
      }
      expect(nodes.length).toBeGreaterThan(300)
      expect(refused).toBeLessThan(nodes.length / 5)
    })
  }
})
