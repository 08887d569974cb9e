/** A running native program that makes a turn whenever it is told to: turns.h is its half. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** For a program that hangs, not for one that is slow. */
const TURN_MS_MAX = 60_000;

export class NativeProgram {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly ended: Promise<never>;
  private text = '';

  constructor(path: string, args: readonly string[]) {
    this.child = spawn(path, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout.setEncoding('utf8');
    this.child.stdin.on('error', () => {}); // it ended: `ended` says so
    this.ended = this.fails(path);
    this.ended.catch(() => {}); // of interest only while a turn is awaited
  }

  /** The numbers of its answer. */
  async turn(): Promise<number[]> {
    this.child.stdin.write('\n');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), TURN_MS_MAX);
    try {
      while (!this.text.includes('\n')) {
        const [chunk] = await Promise.race([once(this.child.stdout, 'data'), this.ended]);
        this.text += chunk;
      }
    } finally {
      clearTimeout(timer);
    }
    const answer = this.text.trim().split(' ').map(Number);
    this.text = '';
    return answer;
  }

  /** Returns when it is gone. */
  async close(): Promise<void> {
    this.child.stdin.end();
    this.child.kill('SIGKILL');
    await this.ended.catch(() => {});
  }

  private async fails(path: string): Promise<never> {
    const [code, signal] = await once(this.child, 'exit');
    throw new Error(`${path} ended with ${signal ?? `status ${code}`} before it was told to`);
  }
}
