/** `flatview serve` where the package is installed: started, asked, and asked to end while a client still listens. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { environment, expect } from '../commands.ts';

type Server = ChildProcessByStdio<null, Readable, Readable>;

const PATIENCE_MS = 60_000;
const MACHINE = '/v1/machines/q35';

/** What is asked for, and what the answer must say. */
const ASKED: readonly (readonly [path: string, answer: RegExp])[] = [
  ['/healthz', /^\{"status":"ok"\}$/],
  ['/readyz', /^\{"status":"ready"\}$/],
  ['/', /<title>[^<]*Flatview/i],
  ['/openapi.json', /^\{"openapi":"3\.1\.0"/],
  ['/docs/', /swagger/i],
  ['/metrics', /^# HELP /],
  [`${MACHINE}/address-spaces/memory/memory/0x100000`, /^\{"value":0,"result":0,/],
];

/**
 * @param home folder of a project that has the package
 * @param command how `flatview` is started there
 * @param status what `command` must end with; null: npx, which ends by the signal, while what it started still drains
 * @throws Error for what does not hold
 */
export async function tryService(
  home: string,
  [command, ...before]: readonly [string, ...string[]],
  status: number | null,
): Promise<void> {
  const args = [...before, 'serve', '--port', '0', '--machine', 'q35', '--json'];
  const server = spawn(command, args, {
    cwd: home,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // in a group of its own: a signal reaches all that npx starts, as a terminal's does
  });
  const said = text(server.stderr);
  try {
    await within(PATIENCE_MS, tryServer(server, status));
  } catch (error) {
    signalGroup(server, 'SIGKILL');
    throw new Error(`${(error as Error).message}\n${await said}`);
  } finally {
    signalGroup(server, 'SIGKILL');
  }
}

async function tryServer(server: Server, status: number | null): Promise<void> {
  const ended = once(server, 'close'); // of its output, which all that npx starts share
  const url = await urlOf(server);
  for (const [path, answer] of ASKED) {
    const response = await fetch(url + path);
    const body = await response.text();
    expect(response.ok && answer.test(body), `${path}: ${response.status} ${body.slice(0, 500)}`);
  }
  const events = await fetch(`${url}${MACHINE}/events`);
  signalGroup(server, 'SIGTERM');
  expect((await events.text()).endsWith('event: end\ndata: {}\n\n'), 'the event stream was cut off');
  const [endedWith, signal] = await ended;
  expect(status === null || status === endedWith, `asked to end, it ended with ${endedWith ?? signal}`);
}

async function urlOf({ stdout }: Server): Promise<string> {
  let printed = '';
  for await (const piece of stdout.setEncoding('utf8')) {
    printed += piece;
    if (printed.trimEnd().endsWith('}')) return JSON.parse(printed).url;
  }
  throw new Error(`it ended without saying where it listens: ${printed}`);
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  const late = new AbortController();
  const timeUp = sleep(milliseconds, null, { signal: late.signal }).then(() => {
    throw new Error(`nothing came within ${milliseconds} ms`);
  });
  try {
    await Promise.race([work, timeUp]);
  } finally {
    late.abort();
  }
}

function signalGroup({ pid }: Server, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {} // it has ended
}
