/** The page: which machine is shown, and who is told what of it. */

import { Api, machineUrl, messageOf, Problem } from './api.js';
import { Charts } from './charts.js';
import { Controls } from './controls.js';
import { CreateForm } from './create-form.js';
import { askTwice, byId, element, setText } from './dom.js';
import { EventStream } from './event-stream.js';
import { MachineModel } from './machine-model.js';
import { MemoryView } from './memory-view.js';
import { Moves } from './moves.js';
import { PipelineView } from './pipeline-view.js';
import { ReadersView } from './readers-view.js';
import { followTheme } from './theme.js';

/** @typedef {import('./types.d.ts').Events} Events */
/** @typedef {import('./types.d.ts').Reader} Reader */
/** @typedef {import('./movable.js').Bar} Bar */

const PROBLEM_MS = 12_000;
const LIST_MS = 2500;

class Page {
  constructor() {
    this.api = new Api();
    /** @type {MachineModel | null} */
    this.model = null;
    /** @type {EventStream | null} */
    this.stream = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.problemTimer = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.listTimer = undefined;
    this.select = byId('machines', HTMLSelectElement);
    this.pipeline = new PipelineView(byId('pipeline', HTMLElement));
    this.memory = new MemoryView((bar, target) => this.move(bar, target));
    this.readers = new ReadersView(byId('readers', HTMLElement), {
      pause: (id, paused) => void this.steer('PUT', id, { paused }),
      end: (id) => void this.steer('DELETE', id),
    });
    this.moves = new Moves(this.api, (bar, target) => this.move(bar, target));
    this.charts = new Charts(byId('charts', HTMLElement));
    this.controls = new Controls(this.api, (message) => this.complain(message));
    this.create = new CreateForm(this.api, (id) => void this.listMachines(id));
    this.listen();
    followTheme(() => this.charts.recolour());
  }

  listen() {
    this.select.addEventListener('change', () => this.open(this.select.value));
    byId('new-machine', HTMLButtonElement).addEventListener('click', () => this.showCreate(true));
    byId('create-cancel', HTMLButtonElement).addEventListener('click', () => this.showCreate(false));
    askTwice(byId('end-machine', HTMLButtonElement), () => this.endMachine());
    this.select.addEventListener('focus', () => void this.listMachines(null));
    byId('token-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.api.token = byId('token', HTMLInputElement).value;
      void this.listMachines(null);
    });
    addEventListener('hashchange', () => {
      const id = decodeURIComponent(location.hash.slice(1));
      if (id !== '' && id !== this.model?.id) void this.listMachines(id);
    });
  }

  /** @param {string | null} wanted the machine to show; null: the one that is shown, or any */
  async listMachines(wanted) {
    try {
      /** @type {{ readonly id: string, readonly name: string }[]} */
      const machines = await this.api.get('v1/machines');
      byId('token-part', HTMLElement).hidden = true;
      const labels = machines.map(({ id, name }) => (id === name ? id : `${id} (${name})`));
      const shown = [...this.select.options].map(({ text }) => text);
      if (labels.join('\n') !== shown.join('\n'))
        this.select.replaceChildren(
          ...machines.map(({ id }, index) => element('option', { value: id }, labels[index] ?? id)),
        );
      const hash = decodeURIComponent(location.hash.slice(1));
      const ids = machines.map(({ id }) => id);
      const id =
        [wanted, this.model?.id, hash].find((candidate) => candidate != null && ids.includes(candidate)) ??
        ids[0];
      this.select.hidden = id === undefined;
      if (id === undefined) this.close();
      else if (id !== this.model?.id) this.open(id);
      else this.select.value = id;
      this.showCreate(id === undefined);
      if (id === undefined) this.listSoon();
    } catch (error) {
      this.failed(error);
      if (!(error instanceof Problem) || error.status !== 401) this.listSoon();
    }
  }

  /** Someone else may make a machine, or start the service again. */
  listSoon() {
    clearTimeout(this.listTimer);
    this.listTimer = setTimeout(() => {
      const isTyping = byId('create', HTMLElement).contains(document.activeElement);
      if (isTyping) this.listSoon();
      else if (this.model === null) void this.listMachines(null);
    }, LIST_MS);
  }

  /** @param {string} id */
  open(id) {
    this.close();
    this.select.value = id;
    history.replaceState(null, '', `#${encodeURIComponent(id)}`);
    document.title = `${id} · Flatview`;
    this.showCreate(false);
    this.charts.clear();
    this.pipeline.clear();
    this.moves.clear();
    this.readers.clear();
    const model = new MachineModel(this.api, id, {
      tree: (changed) => {
        this.memory.updateTree(changed);
        this.pipeline.showTree(this.memory.mainSection?.rows ?? [], model.regions.size);
      },
      views: () => {
        this.memory.updateViews();
        this.pipeline.showView(this.memory.mainView);
      },
      changed: (windows) => this.memory.flash(windows),
      event: (name, data) => this.tell(name, data),
      failed: (error) => this.failed(error),
    });
    this.model = model;
    this.memory.reset(model);
    this.stream = new EventStream(this.api, id, {
      event: (name, data) => model.take(name, data),
      state: (state) => void this.connected(state),
      refused: (problem) => this.failed(problem),
    });
  }

  close() {
    this.stream?.close();
    this.model?.close();
    this.stream = null;
    this.model = null;
  }

  /** @param {import('./event-stream.js').StreamState} state */
  async connected(state) {
    this.showConnection(state, state === 'lost' ? 'connection lost, trying again' : state);
    if (state !== 'live' || this.model === null) return;
    const { model } = this;
    await model.load();
    if (model.state === null || model !== this.model) return;
    const { state: told } = model;
    byId('shown', HTMLElement).hidden = false;
    this.controls.show(told, this.memory.mainView?.addressSpaces[0] ?? '');
    this.pipeline.begin(told);
    this.showReaders(told.readers);
    const guessed =
      told.guessed.length === 0 ? '' : `Guessed, because the text does not say: ${told.guessed.join('; ')}.`;
    setText(byId('guessed', HTMLElement), guessed);
  }

  /** @param {string} state @param {string} text */
  showConnection(state, text) {
    const node = byId('connection', HTMLElement);
    node.dataset['state'] = state;
    setText(node, text);
  }

  /** @param {readonly Reader[]} readers */
  showReaders(readers) {
    this.readers.update(readers);
    this.pipeline.showReaders(readers);
    const generations = readers.flatMap(({ generation, lag }) =>
      generation === null ? [] : [generation + 2 * lag],
    );
    const [newest] = generations;
    if (newest !== undefined) this.pipeline.showGeneration(newest);
  }

  /**
   * @template {keyof Events} K
   * @param {K} name @param {Events[K]} data
   */
  tell(name, data) {
    /** @type {{ readonly [E in keyof Events]: (data: Events[E]) => void }} */
    const takers = {
      commits: (told) => this.tellCommits(told),
      period: (told) => {
        this.readers.follow(told);
        this.pipeline.followed(told);
        this.moves.followed(told);
      },
      readers: ({ readers, retiredBytes }) => {
        this.showReaders(readers);
        this.pipeline.showRetired(retiredBytes);
      },
      grace: ({ p50Us, p99Us }) => this.charts.push('graces', p50Us, p99Us),
      throughput: (told) => this.tellThroughput(told),
      delta: () => {},
      regions: () => {},
      missed: ({ count }) =>
        this.complain(`this page was too slow for ${count} events; it has asked for everything again`),
      end: () => void this.listMachines(null),
    };
    takers[name]?.(data);
  }

  /** @param {Events['commits']} told */
  tellCommits(told) {
    this.pipeline.committed(told);
    const times = told.commits.map(({ commitUs }) => commitUs).sort((a, b) => a - b);
    this.charts.push('commits', times[times.length >> 1] ?? null, times.at(-1) ?? null);
  }

  /** @param {Events['throughput']} told */
  tellThroughput(told) {
    this.pipeline.showAccesses(told.accessesPerSecond + told.loadAccessesPerSecond);
    this.pipeline.showBytes(told.liveBytes, told.retiredBytes);
    this.controls.update(told);
    this.charts.push('accesses', told.loadAccessesPerSecond, told.accessesPerSecond);
    this.charts.push('layouts', told.publicationsPerSecond);
    this.charts.draw();
  }

  /** @param {Bar} bar @param {bigint} target */
  async move(bar, target) {
    if (this.model === null) return;
    try {
      await this.moves.move(this.model, bar, target);
    } catch (error) {
      this.complain(messageOf(error));
    }
  }

  /** @param {string} method @param {number} vcpu @param {unknown} [body] */
  async steer(method, vcpu, body) {
    if (this.model === null) return;
    try {
      await this.api.request(method, machineUrl(this.model.id, `/vcpus/${vcpu}`), body);
    } catch (error) {
      this.complain(messageOf(error));
    }
  }

  async endMachine() {
    if (this.model === null) return;
    try {
      await this.api.request('DELETE', machineUrl(this.model.id));
    } catch (error) {
      this.complain(messageOf(error));
    }
    void this.listMachines(null);
  }

  /** @param {boolean} isWanted */
  showCreate(isWanted) {
    const isEmpty = this.model === null;
    byId('create-part', HTMLElement).hidden = !isWanted;
    byId('create-cancel', HTMLElement).hidden = isEmpty;
    byId('end-machine', HTMLButtonElement).disabled = isEmpty;
    if (isEmpty) byId('shown', HTMLElement).hidden = true;
    if (isEmpty) this.showConnection('idle', 'no machine');
    if (isWanted) this.create.open().catch((error) => this.failed(error));
  }

  /** @param {unknown} error */
  failed(error) {
    if (error instanceof Problem && error.status === 401) this.askToken();
    else if (error instanceof Problem && error.code === 'MACHINE_UNKNOWN') void this.listMachines(null);
    else if (error instanceof Problem && error.status === 0)
      this.showConnection('lost', 'connection lost, trying again');
    else this.complain(messageOf(error));
  }

  askToken() {
    const had = this.api.token !== null;
    this.close();
    this.api.token = null;
    this.showConnection('idle', 'a token is needed');
    byId('shown', HTMLElement).hidden = true;
    byId('token-part', HTMLElement).hidden = false;
    byId('token', HTMLInputElement).focus();
    if (had) this.complain('the service does not take this token');
  }

  /** @param {string} message */
  complain(message) {
    const node = byId('problem', HTMLElement);
    setText(node, message);
    node.hidden = false;
    clearTimeout(this.problemTimer);
    this.problemTimer = setTimeout(() => {
      node.hidden = true;
    }, PROBLEM_MS);
  }
}

void new Page().listMachines(null);
