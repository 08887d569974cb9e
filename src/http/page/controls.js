/** What the machine is put under: layout changes and load, each with what it is doing now. */
import { machineUrl, messageOf } from './api.js';
import { byId, setAttribute, setText } from './dom.js';
import { countText, LogScale } from './quantities.js';

/** @typedef {import('./types.d.ts').Churn} Churn */
/** @typedef {import('./types.d.ts').Load} Load */

const CHURN_RATES = new LogScale(1, 10_000, 40);
const LOAD_RATES = new LogScale(1000, 100_000_000, 50);

/** @param {number | 'max'} rate */
const rateText = (rate) => (rate === 'max' ? 'max' : `${countText(rate)}/s`);

export class Controls {
  /** @param {import('./api.js').Api} api @param {(message: string) => void} onProblem */
  constructor(api, onProblem) {
    this.api = api;
    this.onProblem = onProblem;
    /** @type {string | null} */
    this.machine = null;
    this.addressSpace = '';
    this.churns = false;
    this.loads = false;
    this.churnButton = byId('churn-run', HTMLButtonElement);
    this.churnRate = byId('churn-rate', HTMLInputElement);
    this.loadButton = byId('load-run', HTMLButtonElement);
    this.vcpus = byId('load-vcpus', HTMLInputElement);
    this.loadRate = byId('load-rate', HTMLInputElement);
    this.writes = byId('load-writes', HTMLInputElement);
    this.checkpoint = byId('load-checkpoint', HTMLInputElement);
    this.churnRate.max = `${CHURN_RATES.steps}`;
    this.churnRate.value = `${CHURN_RATES.positionOf(10)}`;
    this.loadRate.max = `${LOAD_RATES.steps}`;
    this.loadRate.value = `${LOAD_RATES.steps}`;
    this.churnButton.addEventListener('click', () => void this.churn(!this.churns));
    this.loadButton.addEventListener('click', () => void this.load(!this.loads));
    this.churnRate.addEventListener('change', () => void (this.churns && this.churn(true)));
    for (const input of [this.vcpus, this.loadRate, this.writes, this.checkpoint])
      input.addEventListener('change', () => void (this.loads && this.load(true)));
    for (const input of [this.churnRate, this.loadRate, this.writes, this.checkpoint])
      input.addEventListener('input', () => this.sayRates());
    this.sayRates();
  }

  /** @param {import('./types.d.ts').MachineState} state @param {string} addressSpace that load accesses */
  show({ id, churn, load }, addressSpace) {
    this.machine = id;
    this.addressSpace = load.running ? load.addressSpace : addressSpace;
    if (churn.rate !== null) this.churnRate.value = `${CHURN_RATES.positionOf(churn.rate)}`;
    if (load.running) {
      this.vcpus.value = `${load.vcpus}`;
      this.loadRate.value = `${LOAD_RATES.positionOf(load.rate)}`;
      this.writes.value = `${load.writePercent}`;
      this.checkpoint.value = `${Math.round(Math.log2(load.checkpointEvery))}`;
    }
    this.showChurn(churn);
    this.showRunning('load', load.running);
    this.sayRates();
  }

  /** @param {import('./types.d.ts').Throughput} told */
  update({ churn, loadVcpus }) {
    this.showRunning('churn', churn !== null);
    this.showRunning('load', loadVcpus > 0);
    const isTheirs = churn !== null && document.activeElement !== this.churnRate;
    if (!isTheirs) return;
    this.churnRate.value = `${CHURN_RATES.positionOf(churn)}`; // another client may have set it
    this.sayRates();
  }

  sayRates() {
    const bits = Number(this.checkpoint.value);
    for (const [input, text] of /** @type {const} */ ([
      [this.churnRate, rateText(this.churnRateNow)],
      [this.loadRate, rateText(LOAD_RATES.valueAt(Number(this.loadRate.value)))],
      [this.writes, `${this.writes.value} %`],
      [this.checkpoint, `${2 ** (bits % 10)} ${['', 'Ki ', 'Mi '][Math.floor(bits / 10)]}accesses`],
    ])) {
      setText(byId(`${input.id}-text`, HTMLElement), text);
      setAttribute(input, 'aria-valuetext', text);
    }
  }

  get churnRateNow() {
    return CHURN_RATES.valueAt(Number(this.churnRate.value));
  }

  /** @param {Churn} churn */
  showChurn({ running, problem }) {
    this.showRunning('churn', running);
    if (problem !== null) this.onProblem(`churn stopped: ${problem}`);
  }

  /** @param {'churn' | 'load'} what @param {boolean} isRunning */
  showRunning(what, isRunning) {
    if (what === 'churn') this.churns = isRunning;
    else this.loads = isRunning;
    const button = what === 'churn' ? this.churnButton : this.loadButton;
    setText(button, `${isRunning ? 'Stop' : 'Start'} ${what}`);
    setAttribute(button, 'class', isRunning ? 'running' : 'primary');
  }

  /** @param {boolean} isWanted */
  async churn(isWanted) {
    const body = isWanted ? { rate: this.churnRateNow } : undefined;
    const state = await this.ask(isWanted ? 'PUT' : 'DELETE', '/churn', body, this.churnButton);
    if (state !== null) this.showChurn(state);
  }

  /** @param {boolean} isWanted */
  async load(isWanted) {
    const body = {
      vcpus: Math.max(1, Number(this.vcpus.value) || 1),
      addressSpace: this.addressSpace,
      rate: LOAD_RATES.valueAt(Number(this.loadRate.value)),
      writePercent: Number(this.writes.value),
      checkpointEvery: 2 ** Number(this.checkpoint.value),
    };
    const state = await this.ask(
      isWanted ? 'PUT' : 'DELETE',
      '/load',
      isWanted ? body : undefined,
      this.loadButton,
    );
    if (state !== null) this.showRunning('load', state.running);
  }

  /** @param {string} method @param {string} path @param {unknown} body @param {HTMLButtonElement} button */
  async ask(method, path, body, button) {
    if (this.machine === null) return null;
    button.setAttribute('aria-busy', 'true');
    try {
      return await this.api.request(method, machineUrl(this.machine, path), body);
    } catch (error) {
      this.onProblem(messageOf(error));
      return null;
    } finally {
      button.removeAttribute('aria-busy');
    }
  }
}
