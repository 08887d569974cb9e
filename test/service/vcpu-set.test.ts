import { setImmediate } from 'node:timers/promises';
import type { Piscina } from 'piscina';
import { afterEach, describe, expect, test } from 'vitest';
import type { MemoryError } from '../../src/base/errors.ts';
import { PiscinaHost } from '../../src/service/piscina-host.ts';
import type { VcpuHandle } from '../../src/service/vcpu-handle.ts';
import type { Job } from './programs/basics.ts';
import { type HostKind, VcpuMachine } from './vcpu-fixture.ts';

const basics = new URL('./programs/basics.ts', import.meta.url);
let machine: VcpuMachine;
afterEach(() => machine.close());

const start = (data: Job): VcpuHandle => machine.vcpus.start({ program: basics, data });
const failureOf = (vcpu: VcpuHandle): Promise<MemoryError> =>
  vcpu.finished.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: MemoryError) => error,
  );
const counted = (vcpu: VcpuHandle, more: number): Promise<number> =>
  machine.ramWord(0x100 + 4 * vcpu.id, (value) => value > more);

describe.each<HostKind>(['piscina', 'threads'])('vCPUs on %s', (kind) => {
  test('a program reads and writes RAM, and what it returns is the result', async () => {
    machine = new VcpuMachine(kind);
    await expect(start({ what: 'sum' }).finished).resolves.toBe(42);
  });

  test('pause holds a vCPU, resume lets it go on, stop ends it', async () => {
    machine = new VcpuMachine(kind);
    const vcpu = start({ what: 'count' });
    await counted(vcpu, 0);
    expect(vcpu.phase).toBe('running');
    await vcpu.pause();
    expect(vcpu.phase).toBe('paused');
    const held = await counted(vcpu, 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await counted(vcpu, 0)).toBe(held);
    vcpu.resume();
    await counted(vcpu, held);
    await vcpu.stop();
    await expect(vcpu.finished).resolves.toBe('stopped');
    expect(vcpu.phase).toBe('finished');
  });

  test('a paused vCPU can be stopped, and one that was paused before it came up', async () => {
    machine = new VcpuMachine(kind);
    const vcpu = start({ what: 'count' });
    await vcpu.pause();
    await vcpu.stop();
    expect(['stopped', undefined]).toContain(await vcpu.finished);
  });

  test('a vCPU that lags is kicked, and no longer once it has passed a checkpoint', async () => {
    machine = new VcpuMachine(kind);
    const vcpu = start({ what: 'until-kicked' });
    await counted(vcpu, 0);
    await machine.grace.synchronize();
    await expect(vcpu.finished).resolves.toBe('moved');
  });

  test('a kick wakes a vCPU that waits for an interrupt, each once', async () => {
    machine = new VcpuMachine(kind);
    const vcpu = start({ what: 'sleep' });
    for (let wakes = 0; wakes < 3; wakes += 1) {
      vcpu.kick();
      await counted(vcpu, wakes);
    }
    expect(vcpu.phase).toBe('waiting-for-interrupt');
    await machine.grace.synchronize(); // asleep it is offline
    await vcpu.stop();
    await expect(vcpu.finished).resolves.toBe(3);
  });

  test('what a program throws reaches the caller with vCPU id and stack; its slot is used again', async () => {
    machine = new VcpuMachine(kind);
    const vcpu = start({ what: 'throw' });
    const error = await failureOf(vcpu);
    expect(error).toMatchObject({ name: 'MemoryError', code: 'VCPU_FAILED' });
    expect(error.message).toBe(`VCPU_FAILED: vCPU ${vcpu.id} failed: RangeError: the guest went astray`);
    expect((error.cause as Error).stack).toContain('programs/basics.ts');
    await expect(start({ what: 'sum' }).finished).resolves.toBe(42);
  });

  test('a killed vCPU is noticed, its grace period ends, the others go on, its slot is used again', async () => {
    machine = new VcpuMachine(kind, 2);
    const other = start({ what: 'count' });
    const killed = start({ what: 'spin' });
    await counted(killed, 0);
    const grace = machine.grace.synchronize(); // waits for the spinning reader, which passes no checkpoint
    await killed.terminate();
    const error = await failureOf(killed);
    expect(error.message).toContain('terminate() was called');
    await grace;
    await counted(other, await counted(other, 0));
    const next = start({ what: 'sum' });
    expect(next.id).toBe(killed.id);
    await expect(next.finished).resolves.toBe(42);
    await other.stop();
    await expect(other.finished).resolves.toBe('stopped');
  });

  test('a vCPU whose thread ends by itself is noticed', async () => {
    machine = new VcpuMachine(kind);
    const error = await failureOf(start({ what: 'exit' }));
    expect(error.code).toBe('VCPU_FAILED');
    expect(error.message).toContain('was ended before its program returned');
  });

  test('stop ends the thread of a vCPU that passes no checkpoint', async () => {
    machine = new VcpuMachine(kind);
    const vcpu = start({ what: 'spin' });
    await counted(vcpu, 0);
    await vcpu.stop(50);
    expect((await failureOf(vcpu)).message).toContain('no checkpoint within 50 ms');
  });
});

test('a vCPU whose pool thread does not come up is told so, and the pool goes on', async () => {
  const host = new PiscinaHost(2);
  machine = new VcpuMachine(host, 2);
  const vcpu = start({ what: 'sum' });
  const { pool } = await (host as unknown as { readonly opened: Promise<{ pool: Piscina }> }).opened;
  await setImmediate(); // the run has been given to the pool
  for (const thread of pool.threads) void thread.terminate();
  const error = await failureOf(vcpu);
  expect(error.message).toContain('was ended before its program returned: its thread did not come up');
  await expect(start({ what: 'sum' }).finished).resolves.toBe(42);
});

describe('what a caller can get wrong', () => {
  const codeOf = (body: () => unknown): unknown => {
    try {
      return body();
    } catch (error) {
      return (error as MemoryError).code;
    }
  };

  test.each<[string, URL | string, string]>([
    ['does not exist', new URL('./programs/nowhere.ts', import.meta.url), 'nowhere.ts does not load'],
    [
      'has no default export',
      new URL('./vcpu-fixture.ts', import.meta.url),
      'no default export that is a function',
    ],
  ])('a program that %s is refused by name, with what to do', async (_what, program, message) => {
    machine = new VcpuMachine('piscina');
    const error = await failureOf(machine.vcpus.start({ program }));
    expect(error.code).toBe('VCPU_PROGRAM_INVALID');
    expect(error.message).toContain(message);
    expect(error.message).toMatch(/give the URL|write 'export default/);
  });

  test('a relative path, data that cannot be posted, too many vCPUs, a closed set', async () => {
    machine = new VcpuMachine('threads', 1);
    expect(codeOf(() => machine.vcpus.start({ program: './program.js' }))).toBe('VCPU_PROGRAM_INVALID');
    expect(codeOf(() => machine.vcpus.start({ program: basics, data: () => 1 }))).toBe('INVALID_ARGUMENT');
    const vcpu = start({ what: 'count' });
    expect(codeOf(() => start({ what: 'count' }))).toBe('VCPU_SLOTS_EXHAUSTED');
    await vcpu.stop();
    await machine.vcpus.close();
    expect(codeOf(() => start({ what: 'count' }))).toBe('MACHINE_CLOSED');
  });

  test('a program that returns a promise, or what cannot be posted', async () => {
    machine = new VcpuMachine('piscina');
    const promise = await failureOf(start({ what: 'promise' }));
    expect([promise.code, promise.message]).toEqual([
      'VCPU_PROGRAM_INVALID',
      expect.stringContaining('returned a promise'),
    ]);
    const result = await failureOf(start({ what: 'function' }));
    expect([result.code, result.message]).toEqual([
      'VCPU_FAILED',
      expect.stringContaining('cannot be posted'),
    ]);
  });

  test('an address space that the machine does not have', async () => {
    machine = new VcpuMachine('piscina');
    const vcpu = machine.vcpus.start({ program: basics, data: { what: 'sum' }, addressSpaces: ['I/O'] });
    const error = await failureOf(vcpu);
    expect(error.code).toBe('ADDRESS_SPACE_UNKNOWN');
    expect(error.message).toContain("'I/O'; it has 'memory'");
  });
});
