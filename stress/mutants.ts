/**
 * One-line breaks of the protocols, of the renderer and of the radix map, each with the scenario that must convict
 * it. They are installed at run time, as other methods on our classes (mutants/in-control.ts, mutants/in-vcpu.ts)
 * or as another line of a module that is about to be loaded (mutants/in-source.ts): nothing in src/ knows of
 * them, so they cost a production build nothing.
 */
import { breakInControl, brokenInControl } from './mutants/in-control.ts';
import { brokenInSource, tryBreakInSource } from './mutants/in-source.ts';
import { breakInVcpu, brokenInVcpu } from './mutants/in-vcpu.ts';

export interface Mutant {
  readonly name: string;
  /** What it breaks, in a sentence. */
  readonly breaks: string;
  /** Name of the scenario that must convict it. */
  readonly scenario: string;
  /** True if no run of real threads on x86 shows it: convicted by walking every order of the steps. */
  readonly walkOnly: boolean;
  /** The Promela model in stress/model/ and its variant that is the same break, which Spin must refute; null if none. */
  readonly model: string | null;
}

const rows: readonly (readonly [name: string, scenario: string, breaks: string])[] = [
  ['roots-not-loaded', 'use-after-reclaim', 'a reader announces a generation and keeps its old roots'],
  ['announce-after-roots', 'use-after-reclaim', 'a reader loads its roots first and announces afterwards'],
  ['tlb-kept', 'use-after-reclaim', 'the TLB is not dropped when a port takes another view'],
  ['deltas-undropped', 'use-after-reclaim', 'what a publication changed stays in the TLB'],
  ['addresses-kept', 'use-after-reclaim', 'which cells answered at single addresses outlives their view'],
  ['no-covers-test', 'use-after-reclaim', 'a lookup does not check that the section covers the address'],
  ['generation-stays', 'use-after-reclaim', 'a publication begins no generation'],
  [
    'retired-under-the-generation-before',
    'use-after-reclaim',
    'a view is retired before the generation advances',
  ],
  [
    'freed-while-shared',
    'use-after-reclaim',
    'the sections of a view end with it, though later views share them',
  ],
  ['hold-unasked', 'linearizability', 'a view is reclaimed after its grace period though a vCPU holds it'],
  ['announce-in-section', 'monotone-versions', 'a checkpoint inside a read section announces'],
  [
    'compare-cell-only',
    'sleeping-offline',
    "a view is told by its cell, not by its version: a reused cell's new view is missed",
  ],
  ['online-in-sleep', 'sleeping-offline', 'a vCPU stays online while it waits for an interrupt'],
  ['online-in-device-wait', 'sleeping-offline', 'a vCPU stays online while it waits for a homed device'],
  ['reclaim-at-once', 'silent-reader', 'the writer does not wait for readers'],
  ['time-out-is-done', 'silent-reader', 'a reader that stays silent for long is taken for gone'],
  ['stall-in-silence', 'silent-reader', 'nobody is told of a silent reader'],
  ['no-garbage-bound', 'silent-reader', 'transactions are taken however much garbage there is'],
  ['dead-reader-stays', 'killed-readers', 'the hold of a dead reader does not end'],
  ['dead-holder-keeps-lock', 'killed-readers', 'the device lock is not taken from a dead holder'],
  [
    'dead-holder-keeps-own-lock',
    'killed-readers',
    'locks of single devices are not taken from a dead holder',
  ],
  ['attach-without-refresh', 'homed-remap', 'a vCPU comes back from a homed access with its old roots'],
  ['death-untold', 'hosted-death', 'nobody is told that a device host has died'],
  ['attachment-after-publication', 'ram-hot-add', 'a RAM buffer is posted after the view that needs it'],
  ['posted-uncounted', 'ram-hot-add', 'what is posted to a thread is not counted, so it does not look'],
  ['ram-released-at-once', 'ram-hot-add', 'RAM is given back without a grace period'],
  ['lock-not-taken', 'device-lock', 'the device lock is not taken'],
  ['unlock-in-silence', 'device-lock', 'who releases the device lock wakes nobody'],
  ['woken-takes-it-unmarked', 'device-lock', 'who was woken by the device lock does not wake the next'],
  ['no-look-before-sleep', 'lost-wakeup', 'a host does not look at its doorbell again before it sleeps'],
  [
    'bells-cleared-after-serving',
    'lost-wakeup',
    'a host clears its doorbell after serving instead of before',
  ],
  [
    'sleep-without-compare',
    'lost-wakeup',
    'waitForInterrupt sleeps though an interrupt came since it looked',
  ],
  ['run-state-unseen', 'lost-wakeup', 'a vCPU that was offline when it was told to pause is not told again'],
  ['armed-for-ever', 'dirty-log', 'a vCPU does not look at dirty bits again after they were cleared'],
  ['clear-waits-for-nobody', 'dirty-log', 'a clear of dirty bits does not wait for stores under way'],
  ['start-finds-nothing', 'dirty-log', 'who begins to log is not told of stores by the layout before'],
  ['ring-by-load-and-store', 'doorbell-count', 'a doorbell is rung by a load and a store'],
  ['ring-in-silence', 'doorbell-count', 'who rings a doorbell wakes nobody'],
  ['serve-before-replay', 'coalesced-order', 'a host serves accesses before it replays what was queued'],
  ['queue-without-lock', 'coalesced-order', 'two vCPUs queue in a ring at the same time'],
  ['ring-of-the-dead', 'killed-readers', 'a ring is not taken from a vCPU that died while it queued'],
  ['new-reader-unseen', 'vcpu-churn', 'grace periods do not wait for vCPUs that came after the first'],
  ['removed-devices-at-once', 'device-removal', 'owners of devices do not wait for accesses under way'],
  ['unmap-at-once', 'iommu-unmap', 'an unmap does not wait for readers'],
  ['posted-before-written', 'served-accesses', 'a batch is posted before its records are written'],
  ['dozer-unrung', 'served-accesses', 'a vCPU that dozes is not woken for what is posted'],
  ['service-sleeps-unsaid', 'served-accesses', 'the service sleeps on answers and does not say so'],
  [
    'no-reentrancy-guard',
    'reentrant-handlers',
    'a device may be reached from inside an access to its own owner',
  ],
];

/** Of the renderer and of the radix map: lines of free functions, see mutants/in-source.ts. */
const rendererRows: typeof rows = [
  ['priority-ignored', 'render-oracle', 'siblings hide each other by their age alone'],
  ['alias-offset-not-added', 'render-oracle', 'an alias shows its target from the start'],
  ['disabled-shown', 'render-oracle', 'a disabled region is rendered'],
  ['alias-unclipped', 'render-oracle', 'an alias shows more of its target than its own size'],
  ['readonly-not-passed-down', 'render-oracle', 'what is above a region does not make it readonly'],
  ['unmergeable-merged', 'render-oracle', 'unmergeable ranges are joined with their neighbours'],
  ['piece-without-offset', 'render-oracle', 'the rest of a range that is cut begins at its old offset'],
  ['rest-of-a-range-lost', 'render-oracle', 'what a range has behind the window that is rendered again goes'],
  [
    'window-not-carried-over-aliases',
    'render-oracle',
    'what changed is not rendered again where an alias shows it',
  ],
  [
    'window-where-it-was-in-the-child',
    'render-oracle',
    "a window goes to the container without the child's address",
  ],
  ['child-lost-by-the-index', 'render-oracle', 'the index of children forgets how far some reach'],
  ['leaf-off-by-one', 'render-oracle', 'a section that is parted misses its last entry in the new node'],
  ['skips-what-was-there', 'render-oracle', 'a node is put in for what comes, too low for what is there'],
  ['node-edited-in-place', 'render-oracle', 'a node that older views share is changed instead of copied'],
  ['reference-not-counted', 'render-oracle', 'a node does not count as a user of what it refers to'],
  ['only-child-not-compared', 'render-oracle', 'two sections in a node pass for one'],
  [
    'what-vanished-stays',
    'render-oracle',
    'a section that vanishes stays where it shares a node with others',
  ],
];

/** No run of real threads on x86 shows them. */
const walkedRows: typeof rows = [
  [
    'announce-plainly',
    'grace-walk',
    'a reader announces by a plain store, which may be seen after it loaded its roots',
  ],
];

/** The same breaks in stress/model/, by the model's name and its variant's. */
const models: Readonly<Record<string, string>> = {
  'roots-not-loaded': 'grace KEEPS_ITS_ROOT',
  'announce-after-roots': 'grace ROOT_BEFORE_ANNOUNCEMENT',
  'announce-plainly': 'grace PLAIN_ANNOUNCEMENT',
  'generation-stays': 'grace NO_GENERATION',
  'retired-under-the-generation-before': 'grace RETIRE_BEFORE_ADVANCE',
  'online-in-sleep': 'grace ONLINE_IN_SLEEP',
  'reclaim-at-once': 'grace NO_SCAN',
  'time-out-is-done': 'grace TIME_OUT_IS_DONE',
  'dead-reader-stays': 'grace DEAD_READER_STAYS',
  'no-look-before-sleep': 'mailbox SLEEPS_WITHOUT_A_LOOK',
  'bells-cleared-after-serving': 'mailbox CLEARS_THE_BELL_AFTER_SERVING',
  'dead-holder-keeps-lock': 'device-lock DEAD_HOLDER_KEEPS_LOCK',
  'unlock-in-silence': 'device-lock RELEASES_IN_SILENCE',
  'woken-takes-it-unmarked': 'device-lock WOKEN_TAKES_IT_UNMARKED',
  'armed-for-ever': 'dirty-clear STAYS_ARMED',
  'clear-waits-for-nobody': 'dirty-clear NO_WAIT',
  'ring-by-load-and-store': 'doorbell RINGS_BY_LOAD_AND_STORE',
  'ring-in-silence': 'doorbell RINGS_IN_SILENCE',
  'serve-before-replay': 'coalesced-ring SERVES_BEFORE_IT_REPLAYS',
  'queue-without-lock': 'coalesced-ring HOLDS_BY_LOAD_AND_STORE',
};

const mutantFrom =
  (walkOnly: boolean) =>
  ([name, scenario, breaks]: (typeof rows)[number]): Mutant => ({
    ...{ name, breaks, scenario, walkOnly },
    model: models[name] ?? null,
  });

export const mutants: readonly Mutant[] = [
  ...[...rows, ...rendererRows].map(mutantFrom(false)),
  ...walkedRows.map(mutantFrom(true)),
];

/** Tries that a mutant still finds what it breaks. @throws Error if the code has moved away from under it */
export function tryBreak({ name, walkOnly }: Mutant): void {
  if (!walkOnly && ![...brokenInControl, ...brokenInVcpu, ...brokenInSource].includes(name)) {
    throw new Error(`mutant ${name} breaks nothing`);
  }
  tryBreakInSource(name);
  breakInControl(name)();
  breakInVcpu(name)();
}
