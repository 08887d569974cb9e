/**
 * One machine as the page knows it: asked for once, then brought up to date by events. Whoever shows a part of it
 * listens for that part.
 * Guarantee: what is shown is what the service told; where an event does not say enough, all is asked for again, and not
 * more often than the service can bear.
 */
import { machineUrl } from './api.js';
import { rangeFrom, spanFrom, viewsAfter } from './flat-views.js';
import { sectionsOf } from './region-tree.js';

/** @typedef {import('./types.d.ts').Events} Events */
/** @typedef {import('./types.d.ts').Span} Span */

/**
 * @typedef {object} ModelListener
 * @property {(changed: ReadonlySet<string>) => void} tree       with the ids of regions that changed
 * @property {() => void} views
 * @property {(windows: ReadonlyMap<string, readonly Span[]>) => void} changed by address space, of commits
 * @property {<K extends keyof Events>(name: K, data: Events[K]) => void} event each, after the model has taken it in
 * @property {(error: unknown) => void} failed
 */

/** Between two requests for everything. */
const REFRESH_MS = 600;
const REACHED_MS_MAX = 600;

export class MachineModel {
  /** @param {import('./api.js').Api} api @param {string} id @param {ModelListener} listener */
  constructor(api, id, listener) {
    this.api = api;
    this.id = id;
    this.listener = listener;
    /** @type {import('./types.d.ts').MachineState | null} */
    this.state = null;
    /** @type {Map<string, import('./types.d.ts').Region>} */
    this.regions = new Map();
    /** @type {import('./region-tree.js').Section[]} */
    this.sections = [];
    /** @type {readonly import('./types.d.ts').View[]} */
    this.views = [];
    this.commit = 0;
    /** @type {(() => void)[] | null} what came while everything was asked for; null: nothing is on its way */
    this.waiting = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.refreshTimer = undefined;
    this.refreshedMs = -REFRESH_MS;
    this.isClosed = false;
    /** @type {Set<() => void>} told when the views are others */
    this.waiters = new Set();
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.refreshTimer);
  }

  /** Asks for everything. Events that come meanwhile are taken in afterwards. */
  async load() {
    if (this.waiting !== null) return;
    this.waiting = [];
    this.refreshedMs = performance.now();
    try {
      const url = machineUrl(this.id);
      const state = await this.api.get(url);
      const regions = await this.api.get(`${url}/regions`);
      const { commit, views } = await this.api.get(`${url}/views`);
      if (this.isClosed) return;
      this.state = state;
      this.regions = new Map(
        regions.map((/** @type {import('./types.d.ts').Region} */ region) => [region.id, region]),
      );
      this.commit = commit;
      this.views = views.map((/** @type {any} */ view) => ({ ...view, ranges: view.ranges.map(rangeFrom) }));
      this.rebuildTree(new Set());
      this.listener.views();
    } catch (error) {
      if (!this.isClosed) this.listener.failed(error);
    } finally {
      const late = this.waiting ?? [];
      this.waiting = null;
      if (!this.isClosed) for (const take of late) take();
    }
  }

  /** @param {string} name @param {any} data of that event */
  take(name, data) {
    if (this.isClosed) return;
    const take = () => {
      if (name === 'delta') this.takeDelta(data);
      else if (name === 'regions') this.takeRegions(data);
      else if (name === 'commits') this.takeCommits(data);
      else if (name === 'missed') this.refreshSoon();
      this.listener.event(/** @type {keyof Events} */ (name), data);
    };
    if (this.waiting === null) take();
    else this.waiting.push(take);
  }

  /** The address space's root. @param {string | undefined} space id */
  rootOf(space) {
    return this.state?.addressSpaces.find(({ id }) => id === space)?.root ?? null;
  }

  /** @param {Events['commits']} told */
  takeCommits({ commits }) {
    /** @type {Map<string, Span[]>} */
    const windows = new Map();
    for (const { changed } of commits)
      for (const window of changed) {
        const known = windows.get(window.addressSpace);
        if (known === undefined) windows.set(window.addressSpace, [spanFrom(window)]);
        else known.push(spanFrom(window));
      }
    if (windows.size > 0) this.listener.changed(windows);
  }

  /** @param {Events['delta']} told */
  takeDelta({ commit, addressSpaces }) {
    if (commit <= this.commit) return;
    const views = viewsAfter(this.views, addressSpaces);
    if (views === null) {
      this.refreshSoon();
      return;
    }
    this.commit = commit;
    this.views = views;
    this.listener.views();
    for (const waiter of this.waiters) waiter();
  }

  /** Resolves when the views show that commit, or when that takes too long. @param {number} commit */
  async reached(commit) {
    const endMs = performance.now() + REACHED_MS_MAX;
    while (this.commit < commit && performance.now() < endMs && !this.isClosed) {
      await new Promise((resolve) => {
        const timer = setTimeout(done, REACHED_MS_MAX);
        const { waiters } = this;
        function done() {
          clearTimeout(timer);
          waiters.delete(done);
          resolve(undefined);
        }
        waiters.add(done);
      });
    }
  }

  /** @param {Events['regions']} told */
  takeRegions({ regions, complete }) {
    if (!complete) {
      this.refreshSoon();
      return;
    }
    for (const region of regions) this.regions.set(region.id, region);
    this.rebuildTree(new Set(regions.map(({ id }) => id)));
  }

  /** @param {ReadonlySet<string>} changed */
  rebuildTree(changed) {
    this.sections = sectionsOf(this.regions, this.state?.addressSpaces ?? []);
    this.listener.tree(changed);
  }

  refreshSoon() {
    if (this.refreshTimer !== undefined) return;
    const dueMs = this.refreshedMs + REFRESH_MS - performance.now();
    this.refreshTimer = setTimeout(
      () => {
        this.refreshTimer = undefined;
        void this.load();
      },
      Math.max(0, dueMs),
    );
  }
}
