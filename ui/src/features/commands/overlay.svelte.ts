/** Which of the two overlays of the keyboard is open. */
export type Overlay = 'palette' | 'help' | null;

let current = $state<Overlay>(null);

export const overlay = {
  get open(): Overlay {
    return current;
  },
  set open(next: Overlay) {
    current = next;
  },
};
