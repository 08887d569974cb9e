/**
 * Litmus shapes: a few loads and stores of two words, x and y, by two to four threads at once, and which outcome the
 * memory model forbids. They ask the engine and the processor underneath what the protocols take for granted.
 *
 * An outcome is what the threads loaded, in the order written here, a digit each; every word is 0 before and 1
 * after its store. Two plain shapes have an outcome that must turn up: a store that waits in its processor's buffer
 * while the next load is done. If even that is never seen, the threads do not meet, and that the forbidden outcomes
 * are not seen says nothing.
 * @source spec of the protocols' tests: MP, SB, LB, IRIW, CoRR
 */
type Words = Int32Array<SharedArrayBuffer>;

/** What one thread does. Returns what it loaded: the first load in bit 0, the second in bit 1. */
export type LitmusBody = (words: Words, x: number, y: number) => number;

export interface LitmusThread {
  readonly body: LitmusBody;
  readonly loads: number;
}

export interface LitmusShape {
  readonly name: string;
  readonly threads: readonly LitmusThread[];
  readonly forbidden: string | null;
  readonly mustBeSeen: string | null;
}

export const LITMUS_THREADS_MAX = 4;

const stores = (body: LitmusBody): LitmusThread => ({ body, loads: 0 });
const loadsOne = (body: LitmusBody): LitmusThread => ({ body, loads: 1 });
const loadsTwo = (body: LitmusBody): LitmusThread => ({ body, loads: 2 });

const storeX = stores((words, x) => Atomics.store(words, x, 1) & 0);
const storeY = stores((words, _x, y) => Atomics.store(words, y, 1) & 0);
const loadXThenY = loadsTwo((words, x, y) => {
  const first = Atomics.load(words, x);
  return first | (Atomics.load(words, y) << 1);
});
const loadYThenX = loadsTwo((words, x, y) => {
  const first = Atomics.load(words, y);
  return first | (Atomics.load(words, x) << 1);
});
const storeXLoadY = loadsOne((words, x, y) => {
  Atomics.store(words, x, 1);
  return Atomics.load(words, y);
});
const storeYLoadX = loadsOne((words, x, y) => {
  Atomics.store(words, y, 1);
  return Atomics.load(words, x);
});
const loadYStoreX = loadsOne((words, x, y) => {
  const loaded = Atomics.load(words, y);
  Atomics.store(words, x, 1);
  return loaded;
});
const loadXStoreY = loadsOne((words, x, y) => {
  const loaded = Atomics.load(words, x);
  Atomics.store(words, y, 1);
  return loaded;
});
const loadXTwice = loadsTwo((words, x) => {
  const first = Atomics.load(words, x);
  return first | (Atomics.load(words, x) << 1);
});
/** Data in x, which is plain; the flag in y. */
const storeDataThenFlag = stores((words, x, y) => {
  words[x] = 1;
  return Atomics.store(words, y, 1) & 0;
});
const loadFlagThenData = loadsTwo((words, x, y) => {
  const flag = Atomics.load(words, y);
  return flag | (words[x]! << 1);
});

const plainStoreX = stores((words, x) => {
  words[x] = 1;
  return 0;
});
const plainStoreY = stores((words, _x, y) => {
  words[y] = 1;
  return 0;
});
const plainStoreXThenY = stores((words, x, y) => {
  words[x] = 1;
  words[y] = 1;
  return 0;
});
const plainLoadXThenY = loadsTwo((words, x, y) => {
  const first = words[x]!;
  return first | (words[y]! << 1);
});
const plainLoadYThenX = loadsTwo((words, x, y) => {
  const first = words[y]!;
  return first | (words[x]! << 1);
});
const plainStoreXLoadY = loadsOne((words, x, y) => {
  words[x] = 1;
  return words[y]!;
});
const plainStoreYLoadX = loadsOne((words, x, y) => {
  words[y] = 1;
  return words[x]!;
});
const plainLoadYStoreX = loadsOne((words, x, y) => {
  const loaded = words[y]!;
  words[x] = 1;
  return loaded;
});
const plainLoadXStoreY = loadsOne((words, x, y) => {
  const loaded = words[x]!;
  words[y] = 1;
  return loaded;
});
const plainLoadXTwice = loadsTwo((words, x) => {
  const first = words[x]!;
  return first | (words[x]! << 1);
});

const forbids = (name: string, forbidden: string, ...threads: LitmusThread[]): LitmusShape => ({
  ...{ name, threads, forbidden, mustBeSeen: null },
});
/** Plain accesses: whatever comes is allowed, and counted. */
const allows = (name: string, mustBeSeen: string | null, ...threads: LitmusThread[]): LitmusShape => ({
  ...{ name, threads, forbidden: null, mustBeSeen },
});

export const litmusShapes: readonly LitmusShape[] = [
  forbids('MP', '10', storeDataThenFlag, loadFlagThenData),
  forbids('SB', '00', storeXLoadY, storeYLoadX),
  forbids('LB', '11', loadYStoreX, loadXStoreY),
  forbids('IRIW', '1010', storeX, storeY, loadXThenY, loadYThenX),
  forbids('CoRR', '10', storeX, loadXTwice),
  allows('SB, one store plain', '00', plainStoreXLoadY, storeYLoadX),
  allows('SB, all plain', '00', plainStoreXLoadY, plainStoreYLoadX),
  allows('MP, all plain', null, plainStoreXThenY, plainLoadYThenX),
  allows('LB, all plain', null, plainLoadYStoreX, plainLoadXStoreY),
  allows('IRIW, all plain', null, plainStoreX, plainStoreY, plainLoadXThenY, plainLoadYThenX),
  allows('CoRR, all plain', null, plainStoreX, plainLoadXTwice),
];

/** How often each outcome of a shape came. */
export type OutcomeCounts = ReadonlyMap<string, number>;

export const isMissing = ({ mustBeSeen }: LitmusShape, counts: OutcomeCounts): boolean =>
  mustBeSeen !== null && !counts.has(mustBeSeen);

/** What is wrong with these outcomes. */
export function litmusFaults(shape: LitmusShape, counts: OutcomeCounts): string[] {
  const { name, forbidden, mustBeSeen } = shape;
  const times = forbidden === null ? undefined : counts.get(forbidden);
  const faults =
    times === undefined ? [] : [`${name}: ${forbidden}, which is forbidden, came ${times} times`];
  if (isMissing(shape, counts)) faults.push(`${name}: ${mustBeSeen} never came, so the threads do not meet`);
  return faults;
}
