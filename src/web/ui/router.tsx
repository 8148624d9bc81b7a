/** The page's addresses in the browser: links that load nothing anew, and a history that goes back. */
import { type AnchorHTMLAttributes, type MouseEvent, useCallback, useMemo, useSyncExternalStore } from 'react';
import { hrefOf, type Place, placeOf, type Query } from '../logic/routes.ts';

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('popstate', listener);
  };
}

const current = () => `${location.pathname}${location.search}`;

export function navigate(href: string, { replace = false } = {}): void {
  if (href === current()) return;
  const samePage = new URL(href, location.href).pathname === location.pathname;
  history[replace ? 'replaceState' : 'pushState'](null, '', href);
  if (!samePage) window.scrollTo(0, 0);
  for (const listener of [...listeners]) listener();
}

export function usePlace(): Place {
  const href = useSyncExternalStore(subscribe, current);
  return useMemo(() => {
    const { pathname, search } = new URL(href, location.href);
    return placeOf(pathname, search);
  }, [href]);
}

/** Changes the query of the view that is shown: typing into a search is no step to go back. */
export function useQueryChange(): (change: Query, options?: { replace?: boolean }) => void {
  const { view, id, query } = usePlace();
  return useCallback(
    (change, options = { replace: true }) => {
      if (view !== null) navigate(hrefOf(view, id, { ...query, ...change }), options);
    },
    [view, id, query],
  );
}

type LinkProps = AnchorHTMLAttributes<HTMLAnchorElement> & { readonly href: string };

export function Link({ href, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (event.defaultPrevented || !plain) return;
    event.preventDefault();
    navigate(href);
  };
  return <a {...rest} href={href} onClick={follow} />;
}
