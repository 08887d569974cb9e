/** `npm run load` without a run: what it asks for, of whom, and what it does not take. */
import { describe, expect, test } from 'vitest';
import { measure } from '../../bench/load/measure.ts';
import { EMPTY, targets } from '../../bench/load/targets.ts';
import { runScript } from '../support/flatview-process.ts';

describe('a load', () => {
  test('goes to this computer only', async () => {
    const load = { connections: 1, pipelining: 1, seconds: 1 };
    await expect(measure('http://192.0.2.1/', EMPTY, load)).rejects.toThrow('not on this computer');
  });

  test('of batches reads as many places as it says, each once', () => {
    const batch = targets(256).find(({ name }) => name === 'batch-256')!;
    const { accesses } = batch.body as { accesses: { address: string }[] };
    expect(accesses).toHaveLength(batch.accesses);
    expect(new Set(accesses.map(({ address }) => address)).size).toBe(256);
  });

  test.each([[['--batch', '0']], [['--fast']]])('%j is bad usage', (args) => {
    const { status, stdout, stderr } = runScript('bench/load/run.ts', args);
    expect({ status, stdout, lines: stderr.trim().split('\n').length }).toEqual({
      status: 2,
      stdout: '',
      lines: 1,
    });
  });
});
