/** Small helpers for elements. Text is always set as text. */

/** @typedef {Node | string} Child */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, string>} [attributes] @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag @param {Record<string, string | number>} [attributes] @param {...Child} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function drawing(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, `${value}`);
  made.append(...children);
  return made;
}

/**
 * The element of the page with this id, which index.html has.
 * @template {typeof HTMLElement} T
 * @param {string} id @param {T} type @returns {InstanceType<T>}
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html has no such element: ${id}`);
  return /** @type {InstanceType<T>} */ (found);
}

/** Touches the document only where something changes. @param {Element} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Element} node @param {string} name @param {string | null} value */
export function setAttribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/**
 * Makes `parent` hold exactly these, in order, without touching those that are in place.
 * @param {Element} parent @param {readonly Element[]} children
 */
export function setChildren(parent, children) {
  const focused = document.activeElement;
  for (const [index, child] of children.entries()) {
    const there = parent.children[index];
    if (there !== child) parent.insertBefore(child, there ?? null);
  }
  while (parent.children.length > children.length) parent.lastElementChild?.remove();
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused))
    focused.focus({ preventScroll: true });
}

export const prefersStillness = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Nothing flashes more than three times a second. */
const FLASH_PAUSE_MS = 400;
const FLASH_MS = 1100;
/** @type {WeakMap<Element, number>} */
const flashedMs = new WeakMap();

/**
 * Lights up and fades, or is marked for as long where motion is not wanted.
 * @param {Element} node @param {string} [colour]
 */
export function flash(node, colour = 'var(--flash)') {
  const nowMs = performance.now();
  if (nowMs - (flashedMs.get(node) ?? -FLASH_PAUSE_MS) < FLASH_PAUSE_MS) return;
  flashedMs.set(node, nowMs);
  const lit = { backgroundColor: colour, borderColor: 'var(--flash)' };
  node.animate(prefersStillness() ? [lit, lit] : [{ ...lit, offset: 0 }], {
    duration: FLASH_MS,
    easing: 'ease-in',
  });
}

const SURE_MS = 4000;

/** Has a button act at its second press only, and say so after the first. @param {HTMLButtonElement} button @param {() => Promise<void>} act */
export function askTwice(button, act) {
  const text = button.textContent ?? '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const forget = () => {
    clearTimeout(timer);
    delete button.dataset['sure'];
    setText(button, text);
  };
  button.addEventListener('click', () => {
    if (button.dataset['sure'] === 'true') {
      forget();
      void act();
      return;
    }
    button.dataset['sure'] = 'true';
    setText(button, 'Really end it?');
    timer = setTimeout(forget, SURE_MS);
  });
}
