/** The ids of a machine's RAM blocks: no two regions have the same. */
import { MemoryError } from '../base/errors.ts';
import type { MemoryRegion } from '../model/memory-region.ts';

export class RamIds {
  private readonly regions = new Map<string, MemoryRegion>();
  private readonly ids = new Map<MemoryRegion, string>();
  /** Where to look for a free index of a name. */
  private readonly nextIndex = new Map<string, number>();

  /** @throws MemoryError RAM_ID_TAKEN */
  take(region: MemoryRegion): void {
    const id = region.ramId ?? this.freeId(region.name);
    const other = this.regions.get(id);
    if (other !== undefined) {
      throw new MemoryError(
        'RAM_ID_TAKEN',
        `RAM of region '${region.path}' would have the id '${id}', which is that of region '${other.path}'; ` +
          'give one of them another name, owner or ramId, or release its RAM first',
      );
    }
    this.regions.set(id, region);
    this.ids.set(region, id);
  }

  give(region: MemoryRegion): void {
    const id = this.ids.get(region);
    if (id === undefined) return;
    this.ids.delete(region);
    this.regions.delete(id);
  }

  of(region: MemoryRegion): string | undefined {
    return this.ids.get(region);
  }

  private freeId(name: string): string {
    if (!this.regions.has(name)) return name;
    let index = this.nextIndex.get(name) ?? 1;
    while (this.regions.has(`${name}[${index}]`)) index += 1;
    this.nextIndex.set(name, index + 1);
    return `${name}[${index}]`;
  }
}
