/**
 * The edge of the window: every text that is about to be painted goes through `visible`, whichever component put it there.
 *
 * One place for all of them, and for those that are yet to be written: a component that forgot would be the way in. What is
 * changed is what is shown; the data, what is copied and what is sent stay as they came. A change to the document is seen
 * before it is painted.
 */
import { visible } from './visible';

/** Attributes that people read, or have read to them. */
const ATTRIBUTES = ['title', 'aria-label', 'aria-description', 'placeholder', 'alt'];
/** What is in them is no text for people, or is what a person writes. */
const APART = new Set(['SCRIPT', 'STYLE', 'TEXTAREA']);

function mendText(node: Text): void {
  if (node.parentElement !== null && APART.has(node.parentElement.tagName)) return;
  const shown = visible(node.data);
  if (shown !== node.data) node.data = shown;
}

function mendElement(element: Element): void {
  for (const name of ATTRIBUTES) {
    const value = element.getAttribute(name);
    if (value === null) continue;
    const shown = visible(value);
    if (shown !== value) element.setAttribute(name, shown);
  }
}

function mend(root: Node): void {
  if (root instanceof Text) return mendText(root);
  if (!(root instanceof Element)) return;
  mendElement(root);
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node instanceof Text) mendText(node);
    else if (node instanceof Element) mendElement(node);
  }
}

/** Watches a document from now on. Returns what ends it. */
export function guardEdge(root: Node = document.documentElement): () => void {
  const observer = new MutationObserver((records) => {
    for (const { type, target, addedNodes } of records) {
      if (type === 'characterData') mend(target);
      else if (type === 'attributes') mendElement(target as Element);
      else addedNodes.forEach(mend);
    }
  });
  observer.observe(root, {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
    attributeFilter: ATTRIBUTES,
  });
  mend(root);
  return () => observer.disconnect();
}
