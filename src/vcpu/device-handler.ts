/**
 * Calls one device's callbacks, in the thread where they live. All callbacks go through this one class,
 * so the call sites in front of it see one hidden class.
 * Guarantee: read() and write() never throw. A callback that throws, or answers with something that is
 * not an integer, gives MEMTX_ERROR and 0, and is reported (failure-reports.ts). What the device's access rules
 * refuse gives MEMTX_DECODE_ERROR, an access from inside one of the same owner MEMTX_ACCESS_ERROR; neither calls it.
 */
import { types } from 'node:util';
import type { FullAccessRules } from '../base/access-rules.ts';
import type {
  AnyDeviceCallbacks,
  DeviceCallbacks,
  DeviceCallbacksWithAttrs,
} from '../base/device-binding.ts';
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import {
  MEMTX_ACCESS_ERROR,
  MEMTX_DECODE_ERROR,
  MEMTX_ERROR,
  MEMTX_OK,
  MemTxFailure,
  type MemTxResult,
} from '../base/mem-tx-result.ts';
import { AccessLoop, type DevicePieces } from './access-loop.ts';
import { areCalledAsMethods, boundTo } from './callback-shapes.ts';
import { FailureReports, problemOf, type ReportDevice } from './failure-reports.ts';

/**
 * Set while a callback of an owner's device runs in this thread: what that callback accesses must not lead
 * back to the owner. One for all devices of an owner.
 */
export class ReentrancyGuard {
  engaged = false;
}

/** Where a device's callbacks run; read-only for the thread that calls. */
export interface HandledDevice {
  readonly device: number;
  readonly regionName: string;
  readonly callbacks: AnyDeviceCallbacks;
  /** With its endianness resolved. */
  readonly rules: FullAccessRules;
  /** Null: it may be reached from inside its own accesses. */
  readonly guard: ReentrancyGuard | null;
}

const ok = MEMTX_OK; // local names for the hot path: V8 does not fold imported bindings

export class DeviceHandler implements DevicePieces {
  /** MemTxResult of the last access, or of the last piece of one. */
  result: MemTxResult = MEMTX_OK;
  /** Upper half of the value last read, as int32. */
  high = 0;
  /** True if an aligned access of up to 4 bytes is one call of `read` or `write`, with nothing to look at before. */
  readonly isPlain: boolean;
  private readonly callbacks: DeviceCallbacks;
  /** `read` and `write`, where they are not called as methods. */
  private readonly boundRead: DeviceCallbacks['read'] | null = null;
  private readonly boundWrite: DeviceCallbacks['write'] | null = null;
  private readonly withAttrs: DeviceCallbacksWithAttrs | null;
  private readonly guard: ReentrancyGuard | null;
  private readonly loop: AccessLoop;
  private readonly reports: FailureReports;

  constructor(handled: HandledDevice, vcpu: number, report: ReportDevice) {
    const { callbacks, rules } = handled;
    this.callbacks = callbacks as DeviceCallbacks;
    this.withAttrs = 'read' in callbacks ? null : callbacks;
    this.guard = handled.guard;
    this.loop = new AccessLoop(rules, this);
    this.isPlain =
      this.loop.isTransparent &&
      handled.guard === null &&
      this.withAttrs === null &&
      callbacks.accepts === undefined;
    if ('read' in callbacks && !areCalledAsMethods(callbacks)) {
      this.boundRead = boundTo(callbacks, callbacks.read);
      this.boundWrite = boundTo(callbacks, callbacks.write);
    }
    this.reports = new FailureReports(handled, vcpu, report);
  }

  /** The vCPU whose access is being served; in reports. */
  set vcpu(vcpu: number) {
    this.reports.vcpu = vcpu;
  }

  /**
   * The low `size` bytes of what the device answered: zero-extended, as int32 where `size` is 4; of 8 bytes
   * the lower half. @param offset within the region; no multiple of `size` where the region is mapped so
   */
  read(offset: number, size: number, attrs: MemTxAttrs): number {
    if (this.isOneCall(offset, size)) return this.readPlain(offset, size);
    return this.readByRules(offset, size, attrs);
  }

  /** @param valueLo what is written; unsigned where `size` is at most 4 @param valueHi its upper half */
  write(offset: number, size: number, valueLo: number, valueHi: number, attrs: MemTxAttrs): void {
    if (this.isOneCall(offset, size)) this.writePlain(offset, size, valueLo);
    else this.writeByRules(offset, size, valueLo, valueHi, attrs);
  }

  /** read() of an isPlain device, aligned and of up to 4 bytes. */
  readPlain(offset: number, size: number): number {
    let value: unknown;
    try {
      value = this.callRead(offset, size);
    } catch (error) {
      return this.fail(offset, size, false, 'its read handler threw', error);
    }
    if (typeof value !== 'number' || ((value | 0) !== value && !Number.isInteger(value))) {
      return this.failAnswer(offset, size, value);
    }
    this.result = ok;
    return size === 4 ? value | 0 : value & ((1 << (size << 3)) - 1);
  }

  /** write() of an isPlain device, aligned and of up to 4 bytes. */
  writePlain(offset: number, size: number, value: number): void {
    let answer: unknown;
    try {
      answer = this.callWrite(offset, value, size);
    } catch (error) {
      this.fail(offset, size, true, 'its write handler threw', error);
      return;
    }
    this.result = ok;
    if (typeof answer === 'object' && types.isPromise(answer)) {
      this.fail(offset, size, true, 'its write handler is asynchronous', answer);
    }
  }

  /** Whether an access to a device of the same owner is in progress in this thread: others are denied. */
  get isEngaged(): boolean {
    return this.guard?.engaged ?? false;
  }

  /** Leaves what a successful access without a value leaves. */
  doNothing(): number {
    this.result = ok;
    this.high = 0;
    return 0;
  }

  /** Whether the device takes such an access; `result` is MEMTX_OK if so. Calls at most `accepts`. */
  accepts(offset: number, size: number, isWrite: boolean, attrs: MemTxAttrs): boolean {
    this.doNothing();
    if (this.isOneCall(offset, size)) return true;
    let accepted: unknown = true;
    try {
      accepted = this.callbacks.accepts?.(offset, size, isWrite, attrs) ?? true;
    } catch (error) {
      this.fail(offset, size, isWrite, 'its accepts handler threw', error);
      return false;
    }
    if (types.isPromise(accepted)) {
      this.fail(offset, size, isWrite, 'its accepts handler is asynchronous', accepted);
      return false;
    }
    if (accepted === true && this.loop.allows(offset, size)) return true;
    this.result = MEMTX_DECODE_ERROR;
    return false;
  }

  readPiece(offset: number, size: number, attrs: MemTxAttrs): number {
    let value: unknown;
    try {
      value = this.callReadOf(offset, size, attrs);
    } catch (error) {
      return this.fail(offset, size, false, 'its read handler threw', error);
    }
    this.result = ok;
    if (size === 8 && typeof value === 'bigint') {
      this.high = Number(BigInt.asIntN(32, value >> 32n));
      return Number(BigInt.asIntN(32, value));
    }
    if (size !== 8 && typeof value === 'number' && Number.isInteger(value)) return value | 0;
    if (!MemTxFailure.is(value)) return this.failAnswer(offset, size, value);
    this.result = value.result;
    this.high = 0;
    return 0;
  }

  writePiece(offset: number, size: number, valueLo: number, valueHi: number, attrs: MemTxAttrs): void {
    let answer: unknown;
    try {
      answer = this.callWriteOf(offset, size, valueLo, valueHi, attrs);
    } catch (error) {
      this.fail(offset, size, true, 'its write handler threw', error);
      return;
    }
    this.result = ok;
    if (types.isPromise(answer)) this.fail(offset, size, true, 'its write handler is asynchronous', answer);
    // `write` may return what it likes, as an arrow function does; the others return a MemTxResult.
    else if ((this.withAttrs !== null || size === 8) && answer !== undefined) {
      if (isMemTxResult(answer)) this.result = answer;
      else this.fail(offset, size, true, `its write handler returned ${problemOf(answer)}`, answer);
    }
  }

  /** Records a failure that was found outside the callbacks, such as a module that does not load. */
  fail(offset: number, size: number, isWrite: boolean, problem: string, cause: unknown): number {
    this.result = MEMTX_ERROR;
    this.high = 0;
    this.reports.add(offset, size, isWrite, problem, cause);
    return 0;
  }

  /** Like fail(), for an access that must not be made: MEMTX_ACCESS_ERROR. */
  deny(offset: number, size: number, isWrite: boolean, problem: string): number {
    this.fail(offset, size, isWrite, problem, null);
    this.result = MEMTX_ACCESS_ERROR;
    return 0;
  }

  /** An aligned access of up to 4 bytes to a plain device. Bit 3 of a size: of 8 bytes. */
  private isOneCall(offset: number, size: number): boolean {
    return this.isPlain && ((offset & (size - 1)) | (size & 8)) === 0;
  }

  private readByRules(offset: number, size: number, attrs: MemTxAttrs): number {
    if (!this.accepts(offset, size, false, attrs) || !this.engage(offset, size, false)) return 0;
    let low = 0;
    try {
      low = this.loop.read(offset, size, attrs);
    } finally {
      if (this.guard !== null) this.guard.engaged = false; // also where the stack ends
    }
    this.result = this.loop.result;
    this.high = this.loop.high;
    return low;
  }

  private writeByRules(
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): void {
    if (!this.accepts(offset, size, true, attrs) || !this.engage(offset, size, true)) return;
    try {
      this.loop.write(offset, size, valueLo, valueHi, attrs);
    } finally {
      if (this.guard !== null) this.guard.engaged = false;
    }
    this.result = this.loop.result;
  }

  /** False, with the access denied, if it comes from inside an access to the same owner. */
  private engage(offset: number, size: number, isWrite: boolean): boolean {
    if (this.guard === null) return true;
    if (this.guard.engaged) {
      this.deny(offset, size, isWrite, 'it was accessed from inside an access to its own owner');
      return false;
    }
    this.guard.engaged = true;
    return true;
  }

  private callRead(offset: number, size: number): unknown {
    return this.boundRead === null ? this.callbacks.read(offset, size) : this.boundRead(offset, size);
  }

  private callWrite(offset: number, value: number, size: number): unknown {
    return this.boundWrite === null
      ? this.callbacks.write(offset, value, size)
      : this.boundWrite(offset, value, size);
  }

  private callReadOf(offset: number, size: number, attrs: MemTxAttrs): unknown {
    if (size === 8) return this.callbacks.read64!(offset, attrs); // areCallbacks() saw it
    if (this.withAttrs !== null) return this.withAttrs.readWithAttrs(offset, size, attrs);
    return this.callRead(offset, size);
  }

  private callWriteOf(
    offset: number,
    size: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): unknown {
    if (size === 8) {
      const value = (BigInt(valueHi >>> 0) << 32n) | BigInt(valueLo >>> 0);
      return this.callbacks.write64!(offset, value, attrs);
    }
    if (this.withAttrs !== null) return this.withAttrs.writeWithAttrs(offset, valueLo >>> 0, size, attrs);
    return this.callWrite(offset, valueLo >>> 0, size);
  }

  private failAnswer(offset: number, size: number, answer: unknown): number {
    return this.fail(offset, size, false, `its read handler answered ${problemOf(answer)}`, answer);
  }
}

const isMemTxResult = (value: unknown): value is MemTxResult =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 7;
