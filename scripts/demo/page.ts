/** What the pages of the demo have in common. */

/** The pages, in the order of the navigation. */
const pages = { '/cgi-bin/counter.js': 'Two languages', '/cgi-bin/cgi.demo.js': 'Hidden field' }

/** Text as HTML, for elements and for attributes in double quotes. */
export const escapeHtml = (value: unknown): string =>
  String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)

/** A session's id for showing: who reads it over your shoulder has no use for it. */
export const shortId = (id: string): string => `${escapeHtml(id.slice(0, 4))}…`

/**
 * A whole page.
 * @param main HTML
 * @param path the page's own address
 */
export function page(title: string, main: string, path = ''): string {
  const links = Object.entries(pages).map(([to, name]) => {
    return `<li><a href="${to}"${to === path ? ' aria-current="page"' : ''}>${name}</a></li>`
  })
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title} – data-session</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<p class="brand">data-session <span>demo</span></p>
<nav aria-label="Pages"><ul>${links.join('')}</ul></nav>
</header>
<main id="main" tabindex="-1">
<h1>${title}</h1>
${main}
</main>
</body>
</html>
`
}
