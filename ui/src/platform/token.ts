/**
 * The token of a browser session. It arrives in the fragment, which browsers never send to a server nor put in a referrer;
 * from there it moves to session storage, so that it lives as long as the tab and is gone from the address bar and history.
 */
const KEY = 'selfheal.token';

export interface TokenHost {
  location: { href: string };
  history: { replaceState(data: unknown, unused: string, url: string): void; readonly state: unknown };
  sessionStorage: Pick<Storage, 'getItem' | 'setItem'>;
}

/** Moves a token from the fragment into storage, keeping what else the fragment says. Returns the token to use. */
export function takeToken(host: TokenHost): string | null {
  const url = new URL(host.location.href);
  const fragment = new URLSearchParams(url.hash.slice(1));
  const arrived = fragment.get('token');
  if (arrived !== null) {
    fragment.delete('token');
    url.hash = fragment.toString();
    host.history.replaceState(host.history.state, '', url.toString());
    if (arrived.trim() !== '') host.sessionStorage.setItem(KEY, arrived.trim());
  }
  return host.sessionStorage.getItem(KEY);
}

export function keepToken(host: TokenHost, token: string): void {
  host.sessionStorage.setItem(KEY, token);
}

/** Accepts what people paste: the bare token, or the whole address that `selfheal serve` prints. */
export function tokenFromText(text: string): string {
  const trimmed = text.trim();
  const found = /[#&]token=([^&\s]+)/.exec(trimmed);
  return found?.[1] ? decodeURIComponent(found[1]) : trimmed;
}
