/**
 * The translators of callback IOMMUs in one thread: loads the module at the first question, asks it, and takes
 * nothing from it that is no answer. One thread's own.
 * Guarantee: translate() returns, never throws; where the translator failed it leaves MEMTX_ERROR and a report.
 * While it is asked the thread stays in a read section: what the asker has loaded stays valid, and no grace
 * period ends between the answer and its use, even if the translator waits for a device.
 */
import { SIZE_2_64 } from '../base/addresses.ts';
import { assert } from '../base/assert.ts';
import { IOMMU_WRITE, type IommuTranslator, permissionBits, permissionFromBits } from '../base/iommu.ts';
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { MEMTX_DECODE_ERROR, MEMTX_ERROR, type MemTxResult } from '../base/mem-tx-result.ts';
import type { GraceReader } from '../grace/reader.ts';
import type { AttachedTranslator } from '../layout/attachments.ts';
import { ruleCount, ruleIndex } from '../layout/section-record.ts';
import { type DeviceSurroundings, LoadedDeviceContext, makeFromModule } from './device-loader.ts';
import { FailureReports, type ReportDevice } from './failure-reports.ts';

const FAILED = Symbol('the translator failed, and that was reported');

/** `device` of the reports of translators. */
const NO_DEVICE = -1;

/** An answer that was checked. */
export interface TranslatorAnswer {
  readonly target: number;
  /** Index of the target. */
  readonly addressSpace: number;
  readonly translated: bigint;
  readonly mask: bigint;
  /** IOMMU_READ, IOMMU_WRITE. */
  readonly permission: number;
}

interface Known {
  readonly attached: AttachedTranslator;
  readonly reports: FailureReports;
  /** Null until it is loaded, or where it does not load. */
  callbacks: IommuTranslator | null;
  problem: unknown;
  isBusy: boolean;
}

export class Translators {
  /** MEMTX_ERROR if the last call failed, else MEMTX_DECODE_ERROR: what a lack of an answer means. */
  result: MemTxResult = MEMTX_DECODE_ERROR;
  /** Called when a translator is unknown; it must attach() what has been posted. */
  onMissing: () => void = () => {};
  private readonly around: DeviceSurroundings;
  private readonly reader: GraceReader;
  private readonly report: ReportDevice;
  private readonly known: Known[] = [];

  constructor(around: DeviceSurroundings, reader: GraceReader, report: ReportDevice) {
    this.around = around;
    this.reader = reader;
    this.report = report;
  }

  attach(translator: number, attached: AttachedTranslator): void {
    const reports = new FailureReports(
      { device: NO_DEVICE, regionName: attached.regionName },
      this.reader.slot,
      this.report,
    );
    this.known[translator] = { attached, reports, callbacks: null, problem: null, isBusy: false };
  }

  /** Index of accesses with `attrs`; -1 where there is none, or the translator failed. */
  indexOf(translator: number, rule: number, attrs: MemTxAttrs): number {
    const known = this.find(translator);
    let index: unknown = ruleIndex(rule, attrs);
    if (known.callbacks?.indexFromAttrs !== undefined)
      index = this.ask(known, 0n, 0, (callbacks) => callbacks.indexFromAttrs!(attrs));
    this.result = index === FAILED ? MEMTX_ERROR : MEMTX_DECODE_ERROR;
    return Number.isInteger(index) && (index as number) >= 0 && (index as number) < ruleCount(rule)
      ? (index as number)
      : -1;
  }

  /** @param access IOMMU_READ, IOMMU_WRITE, or 0 for the whole entry */
  translate(translator: number, iova: bigint, access: number, index: number): TranslatorAnswer | null {
    const known = this.find(translator);
    let given: unknown = null;
    // Also looked at while it is asked: an answer may be an object whose getters throw.
    const answer = this.ask(known, iova, access, (callbacks) => {
      given = callbacks.translate(iova, permissionFromBits(access), index);
      return given === null ? null : checkedAnswer(given, known.attached.targets);
    }) as TranslatorAnswer | string | symbol | null;
    this.result = answer === FAILED ? MEMTX_ERROR : MEMTX_DECODE_ERROR; // after the call, which may nest
    if (typeof answer === 'symbol' || answer === null) return null;
    if (typeof answer !== 'string') return answer;
    fail(known, iova, access, `its translator answered ${answer}`, given);
    this.result = MEMTX_ERROR;
    return null;
  }

  private find(translator: number): Known {
    if (this.known[translator] === undefined) this.onMissing();
    const known = this.known[translator];
    assert(known !== undefined, `translator ${translator} was posted before its section was published`);
    if (known.callbacks === null && known.problem === null) this.load(known);
    return known;
  }

  private load(known: Known): void {
    const { module, regionName } = known.attached;
    try {
      const made = makeFromModule(module, new LoadedDeviceContext(module, regionName, this.around));
      if (typeof (made as IommuTranslator | null)?.translate !== 'function')
        throw new TypeError(
          `its factory '${module.exportName}' must return an object with the function translate(iova, access, index)`,
        );
      known.callbacks = made as IommuTranslator;
    } catch (error) {
      known.problem = error;
    }
  }

  /** What `call` returns, or FAILED. */
  private ask(
    known: Known,
    iova: bigint,
    access: number,
    call: (callbacks: IommuTranslator) => unknown,
  ): unknown {
    const { callbacks, problem } = known;
    if (callbacks === null) return fail(known, iova, access, 'its translator does not load', problem);
    if (known.isBusy)
      return fail(known, iova, access, 'its translator accesses memory that it translates itself', null);
    known.isBusy = true;
    this.reader.readLock();
    try {
      return call(callbacks);
    } catch (error) {
      return fail(known, iova, access, 'its translator threw', error);
    } finally {
      this.reader.readUnlock();
      known.isBusy = false;
    }
  }
}

function fail({ reports }: Known, iova: bigint, access: number, problem: string, cause: unknown): symbol {
  reports.add(Number(iova), 0, (access & IOMMU_WRITE) !== 0, problem, cause);
  return FAILED;
}

/** The answer, or what is wrong with it, to be read after "answered". */
function checkedAnswer(answer: unknown, targets: readonly number[]): TranslatorAnswer | string {
  if (typeof answer !== 'object' || answer === null) return `${typeof answer}, not an object or null`;
  const { target = 0, translated, mask, permission } = answer as Record<string, unknown>;
  const bits = permissionBits(permission);
  if (typeof translated !== 'bigint' || translated < 0n || translated >= SIZE_2_64)
    return 'with a `translated` that is no 64-bit bigint';
  if (typeof mask !== 'bigint' || mask < 0n || mask >= SIZE_2_64 || (mask & (mask + 1n)) !== 0n)
    return 'with a `mask` that is no power of two minus one';
  if (bits === undefined) return 'with a `permission` that is none';
  const addressSpace = typeof target === 'number' ? targets[target] : undefined;
  if (addressSpace === undefined) return 'with a `target` that the IOMMU does not have';
  return { target: target as number, addressSpace, translated, mask, permission: bits };
}
