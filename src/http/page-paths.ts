/** The addresses of the admin page's own views: whoever reloads one of them, or follows a link to it, gets the page. */

export const PAGE_PATHS = [
  '/',
  '/albums',
  '/albums/:id',
  '/photos',
  '/photos/:id',
  '/sync',
  '/runs',
  '/runs/:id',
  '/archive',
  '/libraries',
  '/libraries/:id',
] as const;

/** Where what the page is made of is served from. */
export const ASSETS_PATH = '/assets/';

const VIEW = new RegExp(`^(?:${PAGE_PATHS.map((path) => path.replaceAll(/:\w+/g, '[^/]+')).join('|')})$`);

/** Is this the page or a part of it? Neither holds anything that a stranger may not see. */
export function isPagePath(path: string): boolean {
  return VIEW.test(path) || (path.startsWith(ASSETS_PATH) && !path.includes('..'));
}
