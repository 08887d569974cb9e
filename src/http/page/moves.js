/** Moves a BAR by a transaction, and tells what came of it: the commit, then how long its grace period was. */
import { hexOf } from './addresses.js';
import { machineUrl } from './api.js';
import { byId, element, setText } from './dom.js';
import { timeText } from './quantities.js';

/** @typedef {import('./movable.js').Bar} Bar */
/** @typedef {import('./types.d.ts').Period} Period */

export class Moves {
  /** @param {import('./api.js').Api} api @param {(bar: Bar, target: bigint) => Promise<void>} again */
  constructor(api, again) {
    this.api = api;
    this.again = again;
    this.result = byId('result', HTMLElement);
    this.grace = element('span');
    this.commit = -1;
    /** @type {Period | null} it may be told before the answer */
    this.period = null;
  }

  /**
   * Resolves when the views show it. The grace period is told by events: nobody waits for it.
   * @param {import('./machine-model.js').MachineModel} model @param {Bar} bar @param {bigint} target absolute
   * @throws {Error} why it stays where it is
   */
  async move(model, bar, target) {
    const { region, base, start } = bar;
    if (target < base)
      throw new Error(
        `${hexOf(target)} lies before the container of ${region.name}, which begins at ${hexOf(base)}`,
      );
    const mutations = [{ op: 'set', region: region.id, address: hexOf(target - base) }];
    /** @type {import('./types.d.ts').Transaction} */
    const told = await this.api.request('POST', machineUrl(model.id, '/transactions'), {
      mutations,
      waitMs: 0,
    });
    await model.reached(told.commit);
    const undo = element('button', { type: 'button' }, `Move back to ${hexOf(start)}`);
    undo.addEventListener('click', () => void this.again({ ...bar, start: target }, start));
    this.commit = told.commit;
    const text = `${region.name} is at ${hexOf(target)}: commit ${told.commit} took ${timeText(told.commitUs)}`;
    this.result.replaceChildren(text, this.grace, '. ', undo);
    this.say();
  }

  /** Another machine. */
  clear() {
    this.commit = -1;
    this.period = null;
    this.result.replaceChildren();
  }

  /** @param {Period} period */
  followed(period) {
    this.period = period;
    this.say();
  }

  say() {
    const { period, commit, grace } = this;
    const isKnown = period?.commit === commit && period.isOver;
    const lastUs = Math.max(0, ...(period?.readers ?? []).map(({ passedUs }) => passedUs ?? 0));
    setText(grace, isKnown ? `, every vCPU had let go after ${timeText(lastUs)}` : '');
  }
}
