/**
 * Server-side includes, as far as the demo needs them: `<!--#include virtual="/path" -->` in a page stands for what another program
 * prints. So each language tells its own part of one page.
 */

const DIRECTIVE = /<!--#include virtual="([^"]*)" -->/g

/**
 * The page with each directive replaced. What is put in is not searched again.
 * @param include gives the text for a path
 */
export async function expandIncludes(html: string, include: (path: string) => Promise<string>): Promise<string> {
  let expanded = ''
  let from = 0
  for (const { 0: directive, 1: path = '', index } of html.matchAll(DIRECTIVE)) {
    // One after the other: each program sees what the one before has stored.
    expanded += html.slice(from, index) + (await include(path))
    from = index + directive.length
  }
  return expanded + html.slice(from)
}
