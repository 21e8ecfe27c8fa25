/** The window's state in its address: what is selected, filtered and open can be shared, reloaded and gone back to. */

/** What is read of an address; the router's own is read-only. */
export type Address = Pick<URL, 'href'>;

export function withParams(address: Address, changes: Record<string, string | null>): string {
  const next = new URL(address.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.searchParams.delete(name);
    else next.searchParams.set(name, value);
  }
  return next.pathname + next.search;
}

/** Another path under the filter that the address carries, which is what a person comes back to. */
function withFilter(path: string, from: Address): URL {
  const before = new URL(from.href).searchParams;
  const next = new URL(path, from.href);
  for (const name of ['group', 'q']) {
    const value = before.get(name);
    if (value) next.searchParams.set(name, value);
  }
  return next;
}

/** Where an incident is shown in full. */
export const incidentPath = (id: string, from: Address): string =>
  withParams(withFilter(`/incident/${encodeURIComponent(id)}`, from), {});

/** The inbox, with an incident selected or with none. */
export const inboxPath = (id: string | null, from: Address): string => withParams(withFilter('/', from), { incident: id });

/** Opens the incident from anywhere on a machine that has Selfheal. */
export const deepLink = (id: string): string => `selfheal://incident/${encodeURIComponent(id)}`;
