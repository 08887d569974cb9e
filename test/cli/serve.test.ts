/** `flatview serve` as a process: where it listens, how it ends, and what is wrong with its arguments. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { registerServe } from '../../src/cli/commands/serve.ts';
import { startFlatview } from '../support/flatview-process.ts';
import { runInProcess } from '../support/in-process-cli.ts';

test('serves until it is asked to end, ends the requests in hand, and then itself', async () => {
  const child = startFlatview('serve', '--port', '0', '--machine', 'q35', '--json', '--log-level', 'debug');
  onTestFinished(() => void child.kill('SIGKILL'));
  const errors = text(child.stderr);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  while (!output.includes('}')) await once(child.stdout, 'data');
  const { url } = JSON.parse(output) as { url: string };
  const memory = `${url}/v1/machines/q35/address-spaces/memory/memory/0x100000`;
  expect(await (await fetch(memory)).json()).toEqual({ value: 0, result: 0, layout: 1 });
  const events = await fetch(`${url}/v1/machines/q35/events`);
  child.kill('SIGTERM');
  child.kill('SIGINT'); // as npm sends what the terminal has sent already
  expect(await events.text()).toContain('event: end\n');
  expect(await once(child, 'exit')).toEqual([0, null]);
  const lines = (await errors).split('\n').filter((line) => line.startsWith('{'));
  const answered = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'answered');
  expect(answered).toMatchObject({ method: 'GET', statusCode: 200, reqId: expect.any(String) });
});

describe('what is wrong is said in one line, with status 2', () => {
  test.each([
    [['--port', 'x'], /'--port <number>' argument 'x' is invalid. Give a whole number from 0 to 65535/],
    [['--host', '0.0.0.0'], /needs a token/],
    [['--machine', 'q36', '--port', '0'], /'q36' is neither a file nor a bundled machine/],
    [['--log-level', 'loud'], /Give debug, info, warn, error, silent/],
    [['--vcpus', '65'], /from 1 to 64/],
    [['now'], /too many arguments/],
  ])('%j', async (args, complaint) => {
    const { status, stdout, stderr } = await runInProcess(registerServe, ['serve', ...args]);
    expect({ status, stdout, lines: stderr.trim().split('\n').length }).toEqual({
      status: 2,
      stdout: '',
      lines: 1,
    });
    expect(stderr).toMatch(complaint);
  });

  test('a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const { status, stderr } = await runInProcess(registerServe, ['serve', '--port', String(port)]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/is taken; give another --port/);
  });
});
