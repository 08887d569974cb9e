/**
 * Which clients want to know of writes to one region: what the region itself asks for, and what global
 * tracking adds. Guarantee: a view looks different only when a bit of the mask flips.
 */
import { describeValue, invalidArgument } from '../base/arguments.ts';
import { DIRTY_CLIENT_CODE, DIRTY_CLIENT_MIGRATION, DIRTY_CLIENT_VGA } from '../base/dirty-log.ts';
import { MemoryError } from '../base/errors.ts';
import { booleanFromArgument } from './arguments.ts';
import type { MemoryRegion } from './memory-region.ts';
import { touchedWhole } from './touched.ts';
import { mutate } from './transaction.ts';

const WITHOUT_BYTES = ['container', 'alias', 'io'];

export class DirtyLog {
  private readonly region: MemoryRegion;
  private vgaCount = 0;
  private code = false;

  constructor(region: MemoryRegion) {
    this.region = region;
  }

  /** Whether translated code is cached per page of this region; off by default. */
  get logsCode(): boolean {
    return this.code;
  }

  /** Bits `1 << DIRTY_CLIENT_*`. @param tracked whether global tracking is on */
  maskWith(tracked: boolean): number {
    if (WITHOUT_BYTES.includes(this.region.kind)) return 0;
    let mask = 0;
    if (this.vgaCount > 0) mask |= 1 << DIRTY_CLIENT_VGA;
    if (this.code) mask |= 1 << DIRTY_CLIENT_CODE;
    if (tracked && this.region.migratable) mask |= 1 << DIRTY_CLIENT_MIGRATION;
    return mask;
  }

  /**
   * Begins or ends a use of the log by `client`. Uses are counted; the last that ends clears the bit.
   * @param client DIRTY_CLIENT_VGA: migration is tracked by Machine.dirtyTracking, code by setLogsCode
   * @throws MemoryError NOT_RAM for a region without bytes; INVALID_ARGUMENT for another client, or when
   *   more uses end than began
   * @source QEMU memory_region_set_log
   */
  setLog(on: boolean, client: number): void {
    this.refuseWithoutBytes();
    const where = `dirty log of region '${this.region.name}'`;
    const step = booleanFromArgument(where, 'on', on) ? 1 : -1;
    if (client !== DIRTY_CLIENT_VGA)
      throw invalidArgument(where, `client must be DIRTY_CLIENT_VGA, got ${describeValue(client)}`);
    if (this.vgaCount + step < 0)
      throw invalidArgument(where, 'more uses were ended than began; set it on first');
    const flips = this.vgaCount === 0 || this.vgaCount + step === 0;
    mutate({
      pending: flips && this.region.enabled,
      regions: [this.region],
      touched: [touchedWhole(this.region)],
      apply: () => (this.vgaCount += step),
      undo: () => (this.vgaCount -= step),
    });
  }

  /** @throws MemoryError NOT_RAM for a region without bytes */
  setLogsCode(on: boolean): void {
    this.refuseWithoutBytes();
    const before = this.code;
    if (booleanFromArgument(`dirty log of region '${this.region.name}'`, 'on', on) === before) return;
    mutate({
      pending: this.region.enabled,
      regions: [this.region],
      touched: [touchedWhole(this.region)],
      apply: () => (this.code = on),
      undo: () => (this.code = before),
    });
  }

  private refuseWithoutBytes(): void {
    const { kind, name } = this.region;
    if (!WITHOUT_BYTES.includes(kind)) return;
    throw new MemoryError(
      'NOT_RAM',
      `region '${name}' is of kind '${kind}' and has no bytes that could be logged`,
    );
  }
}
