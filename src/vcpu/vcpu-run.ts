/**
 * One run of a vCPU program in this thread: from a task to an outcome.
 * Guarantee: never rejects; when it resolves the reader is offline and the port closed, so the thread can
 * take the next task. Only the end of the thread itself can keep the outcome from arriving.
 */
import { types } from 'node:util';
import type { MessagePort } from 'node:worker_threads';
import { MemoryError, type MemoryErrorCode } from '../base/errors.ts';
import { type PostedError, postedFromError } from '../base/posted-error.ts';
import { ignoreRejection } from './failure-reports.ts';
import { Vcpu, type VcpuParts } from './vcpu.ts';

/** What a thread needs to run a vCPU; posted with `port` in the transfer list. */
export interface VcpuTask extends VcpuParts {
  readonly port: MessagePort;
  /** URL of the program's module. */
  readonly program: string;
  /** The program's second argument. */
  readonly data: unknown;
}

export type VcpuOutcome =
  | { readonly kind: 'returned'; readonly value: unknown }
  /** The vCPU never ran: its program or a device does not load, or it names an unknown address space. */
  | {
      readonly kind: 'refused';
      readonly code: MemoryErrorCode;
      readonly message: string;
      readonly error: PostedError;
    }
  | { readonly kind: 'threw'; readonly error: PostedError };

/** The default export of a program's module. Synchronous: what blocks is waitForInterrupt(). */
export type VcpuProgram = (vcpu: Vcpu, data: never) => unknown;

export async function runVcpu(task: VcpuTask): Promise<VcpuOutcome> {
  try {
    return run(task, await loadProgram(task.program));
  } catch (error) {
    if (!(error instanceof MemoryError)) return { kind: 'threw', error: postedFromError(error) };
    const message = error.message.slice(error.code.length + 2);
    return { kind: 'refused', code: error.code, message, error: postedFromError(error) };
  } finally {
    task.port.close();
  }
}

async function loadProgram(url: string): Promise<VcpuProgram> {
  let exports: { default?: unknown };
  try {
    exports = (await import(url)) as { default?: unknown };
  } catch (error) {
    throw new MemoryError(
      'VCPU_PROGRAM_INVALID',
      `vCPU program ${url} does not load: ${postedFromError(error).message}; ` +
        "give the URL of an ES module: new URL('./program.js', import.meta.url)",
      { cause: error },
    );
  }
  if (typeof exports.default !== 'function') {
    throw new MemoryError(
      'VCPU_PROGRAM_INVALID',
      `vCPU program ${url} has no default export that is a function; ` +
        "write 'export default function program(vcpu, data) { … }'",
    );
  }
  return exports.default as VcpuProgram;
}

function run(task: VcpuTask, program: VcpuProgram): VcpuOutcome {
  const vcpu = new Vcpu(task);
  let value: unknown;
  try {
    // A pause or stop from before it was there: obeyed before the program's first access.
    if (vcpu.checkpoint()) value = program(vcpu, task.data as never);
  } catch (error) {
    return { kind: 'threw', error: postedFromError(error) };
  } finally {
    vcpu.end();
  }
  return outcomeOf(task.program, value);
}

function outcomeOf(program: string, value: unknown): VcpuOutcome {
  if (types.isPromise(value)) {
    ignoreRejection(value); // it must not end the thread
    throw new MemoryError(
      'VCPU_PROGRAM_INVALID',
      `vCPU program ${program} returned a promise; a vCPU program is synchronous: loop with vcpu.checkpoint(), block with vcpu.waitForInterrupt()`,
    );
  }
  try {
    return { kind: 'returned', value: structuredClone(value) };
  } catch (error) {
    const posted = postedFromError(error);
    return { kind: 'threw', error: { ...posted, message: `its result cannot be posted: ${posted.message}` } };
  }
}
