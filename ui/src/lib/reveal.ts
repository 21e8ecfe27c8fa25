/** Brings the row with this id into view once it is there; rows carry it as `data-entry`. */
export function reveal(id: string | null): void {
  if (id === null) return;
  requestAnimationFrame(() =>
    document.querySelector(`[data-entry="${CSS.escape(id)}"]`)?.scrollIntoView({ block: 'nearest' }),
  );
}
