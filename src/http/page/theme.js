/** Light or dark: the system's choice, until someone chooses here. */
import { byId } from './dom.js';

const KEY = 'flatview-theme';

/** @param {() => void} onChange the page's colours are others now */
export function followTheme(onChange) {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const show = () => {
    const chosen = localStorage.getItem(KEY);
    document.documentElement.dataset['theme'] = chosen ?? (dark.matches ? 'dark' : 'light');
    onChange();
  };
  dark.addEventListener('change', show);
  byId('theme', HTMLButtonElement).addEventListener('click', () => {
    localStorage.setItem(KEY, document.documentElement.dataset['theme'] === 'dark' ? 'light' : 'dark');
    show();
  });
  show();
}
