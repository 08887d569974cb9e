/**
 * What Spin is asked about the protocols: each model as the code has it, and broken on purpose. A broken variant is
 * one macro, which the model's file looks at; the property named beside it is the one by which it must be refuted.
 */

/**
 * safety: no assertion fails in any order of steps, and the threads never all stand still.
 * progress: the model's `ltl progress` holds where every thread that can go on does so sometime (weak fairness).
 */
export type Property = 'safety' | 'progress';

export interface Check {
  /** Name of the file, without .pml. */
  readonly model: string;
  /** Null for the protocol as the code has it; it must hold. A variant must be refuted. */
  readonly variant: string | null;
  /** The variant in words; null where there is none. */
  readonly breaks: string | null;
  readonly property: Property;
  /** Macros: `NAME` or `NAME=value`. */
  readonly defines: readonly string[];
}

type Wrong = readonly [variant: string, breaks: string];

interface Model {
  readonly name: string;
  /** Sizes and situations in which the protocol must hold. */
  readonly holds: readonly (readonly [property: Property, ...defines: string[]])[];
  readonly unsafe: readonly Wrong[];
  readonly stuck: readonly Wrong[];
  /** What each variant of that property is defined with beside its own macro. */
  readonly sizes?: Partial<Record<Property, readonly string[]>>;
  /** Other macros that single variants need. */
  readonly needs?: Readonly<Record<string, string>>;
}

const grace: Model = {
  name: 'grace',
  holds: [['safety'], ['safety', 'READERS=3'], ['progress']],
  unsafe: [
    ['KEEPS_ITS_ROOT', 'a reader announces a generation and keeps its old root'],
    ['ROOT_BEFORE_ANNOUNCEMENT', 'a reader loads the root, and announces afterwards'],
    ['PLAIN_ANNOUNCEMENT', 'a reader announces by a plain store, which may be seen late'],
    ['ADVANCE_BEFORE_ROOT', 'the generation moves before the root is stored'],
    ['RETIRE_BEFORE_ADVANCE', 'a view is retired under the generation before its own'],
    ['NO_GENERATION', 'a publication begins no generation'],
    ['NO_SCAN', 'the writer does not look at the readers'],
    ['TIME_OUT_IS_DONE', 'a reader that stays silent for long is taken for gone'],
    ['REMOVED_ALIVE', 'the hold of a thread ends before its exit was seen'],
  ],
  stuck: [
    ['AWAITED_FIRST', 'a reader looks whether it is awaited before it announces'],
    ['AWAITED_AFTER_LOOK', 'the writer says that it waits after it has looked'],
    ['SLEEPS_BLINDLY', 'the writer sleeps whatever has been announced since its look'],
    ['ONLINE_IN_SLEEP', 'a reader stays online while it sleeps'],
    ['DEAD_READER_STAYS', 'the hold of a dead reader does not end'],
  ],
};

const mailbox: Model = {
  name: 'mailbox',
  holds: [['safety'], ['safety', 'GIVES_UP'], ['progress'], ['progress', 'GIVES_UP']],
  unsafe: [
    ['REQUESTS_BEFORE_IT_WRITES', 'the request is there before the words that it is about'],
    ['LOOKS_AT_STATE_BEFORE_ALIVE', 'whether the host lives is looked at after its answer'],
    ['DECLARES_BEFORE_THE_EXIT', 'a host is declared dead while it may still answer'],
    ['REUSES_THE_SLOT_AT_ONCE', 'a slot is used again while its dead thread may still be answered'],
    ['OVERWRITES_WHAT_IT_GAVE_UP', 'who gave up asks again before it was answered'],
  ],
  stuck: [
    ['LOOKS_BEFORE_IT_RINGS', 'a requester looks whether the host sleeps before it rings'],
    ['RINGS_BEFORE_IT_REQUESTS', 'a requester rings before its request is stored'],
    ['SLEEPS_UNMARKED', 'a requester sleeps without marking its request'],
    ['SLEEPS_BLINDLY', 'a requester sleeps without a compare'],
    ['SAYS_LATER_THAT_IT_SLEEPS', 'a host says that it sleeps after its last look'],
    ['SLEEPS_WITHOUT_A_LOOK', 'a host does not look at its bell again before it sleeps'],
    ['CLEARS_THE_BELL_AFTER_SERVING', 'a host clears its bell after serving'],
    ['RINGS_NOT_FOR_THE_DEAD', 'nobody rings for a thread that died before its ring'],
    ['KEPT_FOR_THE_DEAD', 'what was given up keeps the mailbox though its host has died'],
  ],
  needs: { OVERWRITES_WHAT_IT_GAVE_UP: 'GIVES_UP', KEPT_FOR_THE_DEAD: 'GIVES_UP' },
};

const coalescedRing: Model = {
  name: 'coalesced-ring',
  holds: [['safety', 'VCPUS=2'], ['progress']],
  unsafe: [
    ['HOLDS_BY_LOAD_AND_STORE', 'the ring is held by a load and a store'],
    ['COUNTS_BEFORE_IT_WRITES', 'an entry is counted before it is written'],
    ['WRITES_WITHOUT_ROOM', 'a full ring is written to'],
    ['GIVES_BACK_BY_STORE', 'the ring is given back by a store, which may open it again'],
    ['STORES_HEAD_FIRST', 'a place is given back before it is read'],
    ['STORES_HEAD_BEFORE_THE_REPLAY', 'a write is said to be done before the device has returned'],
    [
      'TAKES_AFTER_THE_REPLAY',
      'a write is taken after its replay, so a dead replayer leaves it to be done again',
    ],
    ['SERVES_BEFORE_IT_REPLAYS', 'an access is served before what was queued'],
  ],
  stuck: [
    ['RINGS_BEFORE_IT_COUNTS', 'the host is rung before the entry is counted'],
    ['DEAD_QUEUER_RINGS_NOBODY', 'nobody rings for a queuer that died before its ring'],
  ],
  sizes: { safety: ['VCPUS=2'] },
};

const doorbell: Model = {
  name: 'doorbell',
  holds: [['safety'], ['progress']],
  unsafe: [
    ['RINGS_BY_LOAD_AND_STORE', 'a doorbell is rung by a load and a store'],
    ['TAKES_BY_LOAD_AND_STORE', 'rings are taken by a load and a store'],
  ],
  stuck: [
    ['LOOKS_BEFORE_IT_RINGS', 'who rings looks for the mark before it rings'],
    ['RINGS_IN_SILENCE', 'who rings wakes nobody'],
    ['TAKES_A_MARK_IN_SILENCE', 'a taker removes the mark of one who sleeps, and does not wake it'],
    ['SLEEPS_UNMARKED', 'a waiter sleeps without a mark'],
    ['SLEEPS_BLINDLY', 'a waiter sleeps without a compare'],
  ],
};

const deviceLock: Model = {
  name: 'device-lock',
  holds: [['safety'], ['progress']],
  unsafe: [['TAKES_BY_STORE', 'the lock is taken by a look and a store']],
  stuck: [
    ['LOOKS_BEFORE_IT_RELEASES', 'a release looks for waiters before it frees the lock'],
    ['RELEASES_IN_SILENCE', 'a release wakes nobody'],
    ['WOKEN_TAKES_IT_UNMARKED', 'who was woken does not wake the next'],
    ['SLEEPS_UNMARKED', 'a waiter sleeps without a mark'],
    ['SLEEPS_BLINDLY', 'a waiter sleeps without a compare'],
    ['DEAD_HOLDER_KEEPS_LOCK', 'the lock is not taken from a dead holder'],
    ['WAKES_ONLY_FOR_A_HOLDER', 'the wake-up that a dead waiter had got is lost'],
  ],
};

const dirtyClear: Model = {
  name: 'dirty-clear',
  holds: [['safety'], ['safety', 'CLEARS=2'], ['progress']],
  unsafe: [
    ['NO_WAIT', 'a clear does not wait for stores under way'],
    ['READS_BEFORE_IT_WAITS', 'a clear reads the page before it waits'],
    ['TELLS_NOBODY', 'a clear does not move the epoch'],
    ['EPOCH_BEFORE_BITS', 'the epoch moves before the bits are clear'],
    ['EPOCH_AFTER_GENERATION', 'the epoch moves after the generation'],
    ['EPOCH_BEFORE_ANNOUNCEMENT', 'a vCPU loads the epoch before it announces'],
    ['STAYS_ARMED', 'a vCPU does not look at the bits again'],
    ['NEVER_MARKS', 'a store is armed by a look and never marked'],
    ['WRITES_BEFORE_IT_MARKS', 'a store marks after it wrote'],
  ],
  stuck: [['DEAD_READER_STAYS', 'a clear waits for a dead vCPU']],
};

const models: readonly Model[] = [grace, mailbox, coalescedRing, doorbell, deviceLock, dirtyClear];

export const modelNames: readonly string[] = models.map(({ name }) => name);

/** In the order in which they are reported. */
export const checks: readonly Check[] = models.flatMap(checksOf);

function checksOf({ name: model, holds, unsafe, stuck, sizes, needs }: Model): Check[] {
  const wrong = (property: Property, variants: readonly Wrong[]): Check[] =>
    variants.map(([variant, breaks]) => {
      const defines = [...(sizes?.[property] ?? []), needs?.[variant] ?? [], variant].flat();
      return { model, variant, breaks, property, defines };
    });
  return [
    ...holds.map(([property, ...defines]) => ({ model, variant: null, breaks: null, property, defines })),
    ...wrong('safety', unsafe),
    ...wrong('progress', stuck),
  ];
}
