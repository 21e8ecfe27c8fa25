/** Keeps the focus inside a dialog and gives it back afterwards. */
const FOCUSABLE =
  'a[href], button:not([disabled]), input:not([disabled]), textarea:not([disabled]), select:not([disabled]), [tabindex]:not([tabindex="-1"])';

export const focusable = (node: HTMLElement): HTMLElement[] => [...node.querySelectorAll<HTMLElement>(FOCUSABLE)];

/** Attachment for the dialog's element: `{@attach trap}`. The first focus goes to `[data-first-focus]`, else to the dialog. */
export function trap(node: HTMLElement): () => void {
  const before = document.activeElement;
  (node.querySelector<HTMLElement>('[data-first-focus]') ?? node).focus();

  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Tab') return;
    const all = focusable(node);
    const at = document.activeElement;
    const index = all.findIndex((element) => element === at);
    // The heading holds the first focus without being a stop, so both directions are settled here.
    const leaves = event.shiftKey ? index <= 0 : index === all.length - 1 || !node.contains(at);
    if (!leaves) return;
    event.preventDefault();
    all.at(event.shiftKey ? -1 : 0)?.focus();
  };
  // An element that held the focus may have gone; a key pressed then still belongs to the dialog, not to the screen below.
  const onStray = (event: KeyboardEvent) => {
    if (node.contains(document.activeElement)) return;
    event.preventDefault();
    event.stopPropagation();
    node.focus();
    node.dispatchEvent(new KeyboardEvent('keydown', { ...keysOf(event), bubbles: true, cancelable: true }));
  };

  node.addEventListener('keydown', onKey);
  document.addEventListener('keydown', onStray, { capture: true });
  return () => {
    node.removeEventListener('keydown', onKey);
    document.removeEventListener('keydown', onStray, { capture: true });
    if (before instanceof HTMLElement && before.isConnected) before.focus();
  };
}

const keysOf = ({ key, code, ctrlKey, metaKey, shiftKey, altKey }: KeyboardEvent): KeyboardEventInit => ({
  key,
  code,
  ctrlKey,
  metaKey,
  shiftKey,
  altKey,
});
