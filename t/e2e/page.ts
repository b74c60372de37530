/** The page that the shop's programs in Node show, and what they keep in the session. */

/** Perl's program keeps the same. */
export interface ShopParameters {
  user: string
  cart: string[]
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)

/** A form that posts one action, with a field or without. */
function form(action: string, label: string, field: string, meet: string): string {
  const input = field === '' ? '' : `<label>${field} <input name="${field.toLowerCase()}" required></label>`
  const hidden = meet === '' ? '' : `<input type="hidden" name="meet" value="${escapeHtml(meet)}">`
  return `<form method="post">${hidden}${input}<button name="action" value="${action}">${label}</button></form>`
}

/**
 * The cart, and what may be done with it.
 * @param user undefined: nobody is logged in
 * @param meet for tests: see meet.ts
 */
export function shopPage(
  title: string,
  { user, cart = [] }: Partial<ShopParameters>,
  { meet = '', canLogIn = true } = {},
): string {
  const heading = user === undefined ? 'Log in' : `The cart of ${user}`
  const login = canLogIn ? form('login', 'Log in', 'Name', '') : ''
  return `<!doctype html>
<html lang="en">
<title>${title}</title>
<h1>${escapeHtml(heading)}</h1>
<ul>${cart.map((item) => `<li>${escapeHtml(item)}`).join('')}</ul>
${form('add', 'Add', 'Item', meet)}
${user === undefined ? login : form('logout', 'Log out', '', '')}
<p>Written by ${title}
`
}
