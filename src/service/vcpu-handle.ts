/**
 * One started vCPU, as the control thread steers it.
 * Guarantee: after a change of the run state a generation begins, so the vCPU's next checkpoint sees it;
 * asleep, it is woken. `finished` settles once, after the vCPU has let go of everything or its thread exited.
 * Writes: this slot's READER_RUN_STATE and, as everyone may, READER_INTERRUPTS.
 */
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeValue } from '../base/arguments.ts';
import { MemoryError } from '../base/errors.ts';
import { errorFromPosted } from '../base/posted-error.ts';
import {
  PHASE_FINISHED,
  PHASE_NEVER_STARTED,
  PHASE_PAUSED,
  PHASE_RUNNING,
  PHASE_WAITING_FOR_DEVICE,
  PHASE_WAITING_FOR_INTERRUPT,
  READER_PHASE,
  READER_RUN_STATE,
  RUN_STATE_PAUSE,
  RUN_STATE_RUN,
  RUN_STATE_STOP,
  readerWord,
  type SharedWords,
} from '../layout/control-block.ts';
import { raiseInterrupt } from '../vcpu/device-loader.ts';
import type { VcpuEnd, VcpuRun } from './vcpu-host.ts';

export type VcpuPhase =
  | 'starting'
  | 'running'
  | 'paused'
  | 'waiting-for-interrupt'
  | 'waiting-for-device'
  | 'finished';

const PHASES: Readonly<Record<number, VcpuPhase>> = {
  [PHASE_RUNNING]: 'running',
  [PHASE_PAUSED]: 'paused',
  [PHASE_WAITING_FOR_INTERRUPT]: 'waiting-for-interrupt',
  [PHASE_WAITING_FOR_DEVICE]: 'waiting-for-device',
  [PHASE_FINISHED]: 'finished',
};

/** How long stop() gives a vCPU to reach a checkpoint before its thread is ended. */
export const STOP_TIMEOUT_MS = 2000;
/** pause() looks at the phase anew at least this often: not every change of it is announced. */
const PHASE_CHECK_MS = 20;
/** `started` looks whether the vCPU has ended at least this often: a thread that dies early announces nothing. */
const STARTED_CHECK_MS = 100;

export interface VcpuHandleParts {
  readonly id: number;
  readonly words: SharedWords;
  readonly run: VcpuRun;
  /** run.ended, after the slot was cleaned up. */
  readonly ended: Promise<VcpuEnd>;
  /** Begins a generation. */
  readonly advance: () => void;
}

export class VcpuHandle {
  /** Also its reader slot; a later vCPU may have it again. */
  readonly id: number;
  /**
   * What the program returned. Rejects with MemoryError VCPU_FAILED (what it threw as `cause`, with its
   * stack; or its thread died), VCPU_PROGRAM_INVALID, DEVICE_MODULE_INVALID or ADDRESS_SPACE_UNKNOWN.
   */
  readonly finished: Promise<unknown>;
  /**
   * Resolves when the vCPU is online for the first time, or has ended without that; never rejects. Its program has
   * perhaps not begun: the thread passes a checkpoint first.
   */
  readonly started: Promise<void>;
  private readonly parts: VcpuHandleParts;
  private readonly settled: Promise<void>;
  private hasEnded = false;
  private whyTerminated: string | null = null;

  constructor(parts: VcpuHandleParts) {
    this.id = parts.id;
    this.parts = parts;
    this.finished = parts.ended.then((end) => {
      this.hasEnded = true;
      return this.resultOf(end);
    });
    this.settled = parts.ended.then(() => {});
    this.started = this.comesUp();
  }

  get phase(): VcpuPhase {
    if (this.hasEnded) return 'finished';
    const { words, id } = this.parts;
    return PHASES[Atomics.load(words, readerWord(id) + READER_PHASE)] ?? 'starting';
  }

  /** Resolves when the vCPU sleeps at a checkpoint, has ended, or resume() or stop() came in between. */
  async pause(): Promise<void> {
    const { words, id } = this.parts;
    const phaseWord = readerWord(id) + READER_PHASE;
    this.setRunState(RUN_STATE_PAUSE);
    while (!this.hasEnded && this.runState === RUN_STATE_PAUSE) {
      const phase = Atomics.load(words, phaseWord);
      if (phase === PHASE_PAUSED || phase === PHASE_FINISHED) return;
      const wait = Atomics.waitAsync(words, phaseWord, phase, PHASE_CHECK_MS); // pairs with Vcpu.sleepPaused
      if (wait.async) await wait.value;
    }
  }

  resume(): void {
    if (this.runState === RUN_STATE_PAUSE) this.setRunState(RUN_STATE_RUN);
  }

  /**
   * Asks the program to return, at its next checkpoint, and resolves when it has ended.
   * @param timeoutMs after which its thread is ended and `finished` rejects; counted from when it is up
   */
  async stop(timeoutMs: number = STOP_TIMEOUT_MS): Promise<void> {
    if (this.hasEnded) return;
    this.setRunState(RUN_STATE_STOP);
    await this.started;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, 'late');
    });
    const first = await Promise.race([this.settled, late]);
    clearTimeout(timer);
    if (first === 'late') await this.end(`it reached no checkpoint within ${timeoutMs} ms after stop()`);
  }

  /** Wakes it from waitForInterrupt(), or makes its next one return at once. */
  kick(): void {
    if (!this.hasEnded) raiseInterrupt(this.parts.words, this.id);
  }

  /** Ends its thread wherever it is, and resolves when that has exited; `finished` rejects. */
  terminate(): Promise<void> {
    return this.end('terminate() was called');
  }

  private async comesUp(): Promise<void> {
    const { words, id } = this.parts;
    const phaseWord = readerWord(id) + READER_PHASE;
    while (!this.hasEnded && Atomics.load(words, phaseWord) === PHASE_NEVER_STARTED) {
      const wait = Atomics.waitAsync(words, phaseWord, PHASE_NEVER_STARTED, STARTED_CHECK_MS); // pairs with Vcpu
      if (wait.async) await wait.value;
    }
  }

  private async end(why: string): Promise<void> {
    if (this.hasEnded) return;
    this.whyTerminated ??= why;
    this.finished.catch(() => {}); // the caller asked for it: no unhandled rejection
    this.parts.run.terminate();
    await this.settled;
  }

  private get runState(): number {
    const { words, id } = this.parts;
    return Atomics.load(words, readerWord(id) + READER_RUN_STATE);
  }

  private setRunState(state: number): void {
    if (this.hasEnded || this.runState === RUN_STATE_STOP) return;
    const { words, id, advance } = this.parts;
    const word = readerWord(id) + READER_RUN_STATE;
    Atomics.store(words, word, state); // pairs with Vcpu.attend and ReaderSession.attach
    advance(); // after the state: who sees the generation sees the state
    Atomics.notify(words, word);
    raiseInterrupt(words, id); // it may sleep in waitForInterrupt()
  }

  private resultOf(end: VcpuEnd): unknown {
    const { id } = this.parts;
    switch (end.kind) {
      case 'returned':
        return end.value;
      case 'refused':
        throw new MemoryError(end.code, `vCPU ${id}: ${end.message}`, { cause: errorFromPosted(end.error) });
      case 'threw':
        throw new MemoryError('VCPU_FAILED', `vCPU ${id} failed: ${end.error.name}: ${end.error.message}`, {
          cause: errorFromPosted(end.error),
        });
      case 'exited': {
        const why = this.whyTerminated ?? end.error?.message ?? 'its thread exited by itself';
        const cause = end.error === null ? undefined : errorFromPosted(end.error);
        throw new MemoryError('VCPU_FAILED', `vCPU ${id} was ended before its program returned: ${why}`, {
          cause,
        });
      }
    }
  }
}

/** @throws MemoryError VCPU_PROGRAM_INVALID if `program` cannot name a module */
export function programUrl(program: URL | string): string {
  if (program instanceof URL) return program.href;
  if (typeof program === 'string') {
    if (isAbsolute(program)) return pathToFileURL(program).href;
    if (URL.canParse(program)) return new URL(program).href;
  }
  throw new MemoryError(
    'VCPU_PROGRAM_INVALID',
    `vCPU program ${describeValue(program)} is neither a URL nor an absolute path; give new URL('./program.js', import.meta.url)`,
  );
}
