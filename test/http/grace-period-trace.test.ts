/** What is told of one grace period: only what was seen, between which two looks each vCPU let go. */
import { afterEach, expect, test } from 'vitest';
import { GracePeriodTrace } from '../../src/http/grace-period-trace.ts';

const GENERATION = 7;
const commit = { number: 3, cause: 'client', generation: GENERATION, commitMs: 1, changed: [] } as const;

type Told = Parameters<ConstructorParameters<typeof GracePeriodTrace>[0]>[0];
const told: Told[] = [];
const trace = new GracePeriodTrace((period) => told.push(structuredClone(period)));
const last = (): Told | undefined => told.at(-1);
afterEach(() => {
  trace.stop();
  told.length = 0;
});

const machineOf = (generations: readonly (number | null)[]) => ({
  readers: generations.map((generation, id) => ({ id, phase: 'running' as const, generation, lag: 0 })),
  gauges: { retiredBytes: 640 },
});

test('a vCPU that is offline holds nothing, one that announces lets go later, then bytes are free', async () => {
  const machine = machineOf([null, 5]);
  trace.follow(commit, machine);
  await expect.poll(() => last()?.readers[1]?.heldUs).toBeGreaterThan(0);
  expect(last()).toMatchObject({ commit: 3, generation: GENERATION, isOver: false, waitingBytes: 640 });
  expect(last()!.readers[0]).toMatchObject({ heldUs: 0, how: 'offline' });
  machine.readers[1]!.generation = GENERATION;
  await expect.poll(() => last()?.readers[1]?.how).toBe('announced');
  const { heldUs, passedUs } = last()!.readers[1]!;
  expect(passedUs).toBeGreaterThan(heldUs);
  expect(last()!.isOver).toBe(false);
  trace.reclaimed(GENERATION - 2); // an older layout
  expect(last()!.freedUs).toBe(null);
  trace.reclaimed(GENERATION);
  expect(last()).toMatchObject({ isOver: true });
  expect(last()!.freedUs).toBeGreaterThanOrEqual(passedUs!);
});

test('what is free has been let go of, by then at the latest', () => {
  const machine = machineOf([5]);
  trace.follow(commit, machine);
  machine.readers[0]!.generation = GENERATION;
  trace.reclaimed(GENERATION);
  expect(last()!.freedUs).toBe(last()!.readers[0]!.passedUs);
});

test('a vCPU that ends is gone', async () => {
  const machine = machineOf([5]);
  trace.follow(commit, machine);
  machine.readers.pop();
  await expect.poll(() => last()?.readers[0]?.how).toBe('gone');
});

test('a commit that retired nothing is over once all have let go', () => {
  trace.follow(commit, { ...machineOf([GENERATION]), gauges: { retiredBytes: 0 } });
  expect(last()).toMatchObject({ isOver: true, freedUs: null, readers: [{ how: 'announced' }] });
});

test("churn's commits wait for their turn, a client's does not", async () => {
  const machine = machineOf([5]);
  const churned = { ...commit, cause: 'churn', number: 4 } as const;
  trace.follow(commit, machine);
  trace.follow(churned, machine);
  await expect.poll(() => last()?.commit).toBe(3);
  trace.follow({ ...commit, number: 5 }, machine);
  await expect.poll(() => last()?.commit).toBe(5);
});

test('nothing is told once it is stopped', async () => {
  trace.follow(commit, machineOf([5]));
  trace.stop();
  await new Promise((resolve) => setTimeout(resolve, 120)); // longer than any two tellings are apart
  expect(told).toEqual([]);
});
