/** The form that makes a machine: of a bundled layout, or of pasted text, which is info mtree's or a layout's JSON. */
import { messageOf } from './api.js';
import { byId, element, setText } from './dom.js';

const DEFAULT_LAYOUT = 'booted-q35-default';

export class CreateForm {
  /** @param {import('./api.js').Api} api @param {(id: string) => void} onMade */
  constructor(api, onMade) {
    this.api = api;
    this.onMade = onMade;
    this.form = byId('create', HTMLFormElement);
    this.names = byId('create-name', HTMLSelectElement);
    this.text = byId('create-text', HTMLTextAreaElement);
    this.problem = byId('create-problem', HTMLElement);
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.submit();
    });
    this.form.addEventListener('change', () => this.showSource());
  }

  get isPasted() {
    return byId('create-pasted', HTMLInputElement).checked;
  }

  showSource() {
    this.names.disabled = this.isPasted;
    this.text.hidden = !this.isPasted;
  }

  async open() {
    setText(this.problem, '');
    this.showSource();
    if (this.names.options.length > 0) return;
    /** @type {string[]} */
    const names = await this.api.get('v1/catalogue');
    this.names.replaceChildren(...names.map((name) => element('option', { value: name }, name)));
    if (names.includes(DEFAULT_LAYOUT)) this.names.value = DEFAULT_LAYOUT;
  }

  async submit() {
    setText(this.problem, '');
    const id = byId('create-id', HTMLInputElement).value.trim();
    const vcpus = Number(byId('create-vcpus', HTMLInputElement).value) || 1;
    try {
      const body = { ...this.source(), vcpus, ...(id !== '' && { id }) };
      const made = await this.api.request('POST', 'v1/machines', body);
      this.onMade(made.id);
    } catch (error) {
      setText(this.problem, messageOf(error));
    }
  }

  /** @throws {Error} for text that looks like JSON and is none */
  source() {
    if (!this.isPasted) return { machine: this.names.value };
    const text = this.text.value;
    if (!text.trimStart().startsWith('{')) return { mtree: text };
    try {
      return { layout: JSON.parse(text) };
    } catch (error) {
      throw new Error(`the pasted layout is no JSON: ${messageOf(error)}`);
    }
  }
}
