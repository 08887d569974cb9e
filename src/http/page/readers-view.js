/**
 * The vCPUs, each with its phase, generation and lag, and the last grace period that was followed as a lane for each.
 * Short ones are drawn when they are over, long ones while they last.
 */
import { sizeText } from './addresses.js';
import { element, setAttribute, setChildren, setText } from './dom.js';
import { pictureOf } from './grace-picture.js';
import { timeText } from './quantities.js';

/** @typedef {import('./types.d.ts').Reader} Reader */
/** @typedef {import('./types.d.ts').Period} Period */

/**
 * @typedef {object} ReadersListener
 * @property {(id: number, paused: boolean) => void} pause
 * @property {(id: number) => void} end
 */

/** Churn makes more grace periods than anyone can look at: each stays that long. */
const SHOWN_MS = 900;

/** @type {Record<string, string>} */
const HOW = { announced: 'let go', offline: 'was offline: held nothing', gone: 'ended' };

export class ReadersView {
  /** @param {HTMLElement} root @param {ReadersListener} listener */
  constructor(root, listener) {
    this.listener = listener;
    this.caption = element('p', { class: 'caption' }, 'No commit has been followed yet.');
    this.list = element('ul', { class: 'lanes' });
    this.axis = element('div', { class: 'axis', 'aria-hidden': 'true' });
    root.replaceChildren(this.list, this.axis, this.caption);
    /** @type {Map<number, Lane>} */
    this.lanes = new Map();
    /** @type {Period | null} */
    this.period = null;
    this.shownMs = -SHOWN_MS;
  }

  /** @param {readonly Reader[]} readers */
  update(readers) {
    const lanes = new Map(readers.map(({ id }) => [id, this.lanes.get(id) ?? new Lane(id, this.listener)]));
    for (const reader of readers) lanes.get(reader.id)?.update(reader);
    this.lanes = lanes;
    setChildren(
      this.list,
      [...lanes.values()].map(({ root }) => root),
    );
  }

  /** @param {Period} period */
  follow(period) {
    const nowMs = performance.now();
    const isNext = period.commit !== this.period?.commit;
    if (isNext && period.cause === 'churn' && nowMs - this.shownMs < SHOWN_MS) return;
    if (isNext) this.shownMs = nowMs;
    this.period = period;
    this.draw(period);
  }

  clear() {
    this.period = null;
    this.shownMs = -SHOWN_MS;
    setText(this.caption, 'No commit has been followed yet.');
    this.axis.replaceChildren();
    this.lanes.clear();
    this.list.replaceChildren();
  }

  /** @param {Period} period */
  draw(period) {
    const { lanes, scaleUs, freed, now } = pictureOf(period);
    for (const [id, lane] of this.lanes)
      lane.draw(
        lanes.find((drawn) => drawn.id === id),
        freed,
        now,
      );
    const marks = [0, 0.25, 0.5, 0.75, 1].map((at) => {
      const mark = element('span', {}, timeText(at * scaleUs).replace(/^0 .*/, '0'));
      mark.style.left = `${at * 100}%`;
      return mark;
    });
    this.axis.replaceChildren(...marks);
    setText(this.caption, captionOf(period));
  }
}

/** @param {Period} period */
function captionOf({ commit, cause, isOver, freedUs, elapsedUs, readers, waitingBytes, samples }) {
  const last = Math.max(0, ...readers.map(({ passedUs }) => passedUs ?? 0));
  const holders = readers.filter(({ how }) => how === null).map(({ id }) => `vCPU ${id}`);
  const head = `Commit ${commit}, by ${cause === 'churn' ? 'churn' : 'a client'}`;
  if (!isOver)
    return `${head}: ${holders.join(' and ') || 'nobody'} may still read the old map after ${timeText(elapsedUs)}; ${sizeText(waitingBytes)} wait.`;
  const freed =
    freedUs === null ? 'nothing had to be freed' : `its old map was free after ${timeText(freedUs)}`;
  return `${head}: every vCPU had let go after ${timeText(last)}, ${freed}. Seen in ${samples} looks.`;
}

class Lane {
  /** @param {number} id @param {ReadersListener} listener */
  constructor(id, listener) {
    this.who = element('b', {}, `vCPU ${id}`);
    this.role = element('span', { class: 'dim' });
    this.phase = element('span', { class: 'phase' });
    this.generation = element('span', { class: 'generation' });
    this.lag = element('span', { class: 'lag' });
    this.held = element('i', { class: 'held' });
    this.unknown = element('i', { class: 'unknown' });
    this.after = element('i', { class: 'after' });
    this.freed = element('i', { class: 'freed', title: 'the old map is free', hidden: '' });
    this.note = element('span', { class: 'note' });
    this.track = element(
      'div',
      { class: 'track' },
      this.held,
      this.unknown,
      this.after,
      this.freed,
      this.note,
    );
    this.pause = element('button', { type: 'button' }, 'Pause');
    this.end = element('button', { type: 'button', 'aria-label': `End vCPU ${id}` }, 'End');
    this.pause.addEventListener('click', () => listener.pause(id, this.pause.textContent === 'Pause'));
    this.end.addEventListener('click', () => listener.end(id));
    const facts = element(
      'div',
      { class: 'who' },
      this.who,
      ' ',
      this.role,
      ' ',
      this.phase,
      ' ',
      this.generation,
      ' ',
      this.lag,
    );
    const buttons = element('div', { class: 'buttons' }, this.pause, this.end);
    this.root = element('li', { class: 'lane', 'data-vcpu': `${id}` }, facts, buttons, this.track);
    this.id = id;
  }

  /** @param {Reader} reader */
  update({ phase, role, generation, lag }) {
    setText(this.role, role === 'load' ? 'makes load' : 'serves');
    setText(this.phase, phase.replaceAll('-', ' '));
    setText(this.generation, generation === null ? 'offline' : `generation ${generation >>> 0}`);
    setText(this.lag, generation === null ? 'holds nothing' : `lag ${lag}`);
    setAttribute(this.root, 'data-state', generation === null ? 'offline' : lag > 0 ? 'lagging' : 'current');
    const isPaused = phase === 'paused';
    setText(this.pause, isPaused ? 'Resume' : 'Pause');
    setAttribute(this.pause, 'aria-label', `${isPaused ? 'Resume' : 'Pause'} vCPU ${this.id}`);
    this.pause.disabled = role !== 'load';
    this.pause.title = role === 'load' ? '' : 'only vCPUs that make load can be paused';
  }

  /**
   * @param {import('./grace-picture.js').Lane | undefined} lane undefined: it was not there
   * @param {number | null} freed @param {number | null} now
   */
  draw(lane, freed, now) {
    const end = now ?? 1;
    span(this.held, 0, lane?.held ?? 0);
    span(this.unknown, lane?.held ?? 0, lane?.unknown ?? 0);
    span(
      this.after,
      lane?.unknown ?? 0,
      lane === undefined || lane.how === null ? (lane?.unknown ?? 0) : end,
    );
    setAttribute(this.after, 'class', lane?.how === 'offline' ? 'after idle' : 'after');
    this.freed.hidden = freed === null || lane === undefined;
    this.freed.style.left = `${(freed ?? 0) * 100}%`;
    setText(
      this.note,
      lane === undefined
        ? 'was not there'
        : lane.how === null
          ? 'may read the old map'
          : (HOW[lane.how] ?? ''),
    );
  }
}

/** @param {HTMLElement} node @param {number} from @param {number} to */
function span(node, from, to) {
  node.style.left = `${from * 100}%`;
  node.style.width = `${Math.max(0, to - from) * 100}%`;
}
