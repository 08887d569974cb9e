/**
 * What a machine is, as plain data, and who answers at ONE address: the literal rule, byte by byte. It knows no
 * views, no transactions, no listeners; a transaction that is undone is a copy that is put back.
 */
import type { MemoryErrorCode } from '../../src/base/errors.ts';

export type Kind = 'container' | 'ram' | 'resizable' | 'rom-device' | 'io' | 'alias';

export interface ModelRegion {
  readonly kind: Kind;
  /** What shows others has a lower rank than they: so nothing shows itself. */
  readonly rank: number;
  /** What an alias shows; -1 otherwise. */
  readonly target: number;
  readonly owner: number;
  size: number;
  address: number;
  priority: number;
  targetOffset: number;
  enabled: boolean;
  readonly: boolean;
  romd: boolean;
  ended: boolean;
  /** -1 where it has none. */
  container: number;
  children: number[];
  /** The one write of one byte that rings instead; null where there is none. */
  doorbell: { offset: number; match: number | null } | null;
}

export interface ModelState {
  readonly regions: ModelRegion[];
  /** Root of each address space; -1 for none, null once it was removed. */
  readonly spaces: (number | null)[];
}

export interface Answer {
  readonly region: number;
  readonly offset: number;
  readonly readonly: boolean;
}

/** Bytes on which anything can be seen: a root shows no child beyond. */
export const WINDOW = 80;
/** Bytes that a region may have. */
export const SIZE_MAX = 32;

export const isRam = ({ kind }: ModelRegion): boolean => kind === 'ram' || kind === 'resizable';

export class ApiModel {
  state: ModelState = { regions: [], spaces: [] };
  /** Contents, which no transaction puts back: of RAM and ROM, and the registers of devices. */
  readonly bytes: Uint8Array[] = [];
  readonly registers: Uint8Array[] = [];
  readonly rings: number[] = [];
  /** Regions with a byte that was written through a port while the VGA client logged it, since its last snapshot. */
  readonly mustBeDirty = new Set<number>();
  readonly logged = new Set<number>();
  readonly owners: { destroyed: boolean; references: number }[] = [];
  /** What each view that is held shows: the oldest first. */
  readonly held: ReadonlySet<number>[] = [];

  region(index: number): ModelRegion {
    return this.state.regions[index]!;
  }

  copy(): ModelState {
    return structuredClone(this.state);
  }

  add(region: ModelRegion): number {
    this.bytes.push(new Uint8Array(SIZE_MAX));
    this.registers.push(new Uint8Array(SIZE_MAX));
    this.rings.push(0);
    return this.state.regions.push(region) - 1;
  }

  /** Who answers at `address` of the container of `index`. */
  resolve(index: number, address: number): Answer | null {
    const region = this.region(index);
    const offset = address - region.address;
    if (!region.enabled || offset < 0 || offset >= region.size) return null;
    const found = this.inside(index, offset);
    return found && { ...found, readonly: found.readonly || region.readonly };
  }

  private inside(index: number, offset: number): Answer | null {
    const { kind, target, targetOffset, children } = this.region(index);
    if (kind === 'alias') return this.resolve(target, this.region(target).address + targetOffset + offset);
    for (const child of children) {
      const found = this.resolve(child, offset);
      if (found !== null) return found;
    }
    return kind === 'container' ? null : { region: index, offset, readonly: false };
  }

  answerIn(space: number, address: number): Answer | null {
    const root = this.viewRoot(this.state.spaces[space] ?? -1);
    return root < 0 ? null : this.resolve(root, address);
  }

  /** What a root only wraps is shown in its place: at its own address, without the wrappers' flags (Q3). */
  viewRoot(index: number): number {
    if (index < 0 || !this.region(index).enabled) return -1;
    const { kind, size, target, targetOffset, children } = this.region(index);
    if (kind === 'alias')
      return targetOffset === 0 && size >= this.region(target).size ? this.viewRoot(target) : index;
    if (kind !== 'container') return index;
    const [only, ...others] = children.filter((child) => this.region(child).enabled);
    if (only === undefined) return -1;
    const isWrapper =
      others.length === 0 && this.region(only).address === 0 && this.region(only).size <= size;
    return isWrapper ? this.viewRoot(only) : index;
  }

  /** The byte that is read there; null where nothing answers. */
  byteAt(answer: Answer | null): number | null {
    if (answer === null) return null;
    const region = this.region(answer.region);
    const isDirect = isRam(region) || (region.kind === 'rom-device' && region.romd);
    return (isDirect ? this.bytes : this.registers)[answer.region]![answer.offset]!;
  }

  /** A store of one byte. @returns whether anything answers */
  store(answer: Answer | null, value: number): boolean {
    if (answer === null) return false;
    const { region: index, offset, readonly } = answer;
    if (readonly) return true; // discarded
    const region = this.region(index);
    const { doorbell } = region;
    if (isRam(region)) {
      this.bytes[index]![offset] = value;
      if (this.logged.has(index)) this.mustBeDirty.add(index);
    } else if (doorbell?.offset === offset && (doorbell.match === null || doorbell.match === value)) {
      this.rings[index]! += 1;
    } else this.registers[index]![offset] = value;
    return true;
  }

  /**
   * A piece of a bulk write of `left` bytes: one of RAM, or of a device an access of up to four that is aligned in its
   * region, whatever else shows where its last bytes lie.
   * @returns its bytes
   */
  fillPiece(answer: Answer, value: number, left: number): number {
    if (isRam(this.region(answer.region))) {
      this.store(answer, value);
      return 1;
    }
    let size = 4;
    while (size > left || answer.offset % size !== 0) size /= 2;
    this.registers[answer.region]!.fill(value, answer.offset, answer.offset + size);
    return size;
  }

  contains(outer: number, inner: number): boolean {
    for (let at = inner; at >= 0; at = this.region(at).container) if (at === outer) return true;
    return false;
  }

  /** Above siblings of lower priority, in front of equals. */
  insert(parent: number, child: number): void {
    const { children } = this.region(parent);
    const { priority } = this.region(child);
    const at = children.findIndex((other) => this.region(other).priority <= priority);
    children.splice(at < 0 ? children.length : at, 0, child);
    this.region(child).container = parent;
  }

  remove(child: number): void {
    const region = this.region(child);
    const { children } = this.region(region.container);
    children.splice(children.indexOf(child), 1);
    region.container = -1;
  }

  /** Why `child` cannot be mapped into `parent`; null if it can. */
  mappingRefusal(parent: number, child: number): MemoryErrorCode | null {
    if (this.region(parent).kind === 'alias') return 'ALIAS_HAS_NO_CHILDREN';
    if (this.region(child).container >= 0) return 'REGION_ALREADY_MAPPED';
    if (this.contains(child, parent)) return 'ALIAS_CYCLE';
    return this.region(parent).ended || this.region(child).ended ? 'REGION_FINALIZED' : null;
  }

  isVisible(index: number): boolean {
    for (let space = 0; space < this.state.spaces.length; space += 1)
      for (let address = 0; address < WINDOW; address += 1)
        if (this.answerIn(space, address)?.region === index) return true;
    return false;
  }

  isHeld(index: number): boolean {
    return this.held.some((shown) => shown.has(index));
  }

  /** Whether it is in a container, or an alias that shows it is mapped. */
  isMapped(index: number): boolean {
    if (this.region(index).container >= 0) return true;
    return this.state.regions.some(({ target }, alias) => target === index && this.isMapped(alias));
  }

  /** Whether somebody still keeps the regions of an owner that was destroyed. */
  isKept(owner: number): boolean {
    if (this.owners[owner]!.references > 0) return true;
    return this.state.regions.some(
      (region, index) =>
        region.owner === owner &&
        !region.ended &&
        (this.isVisible(index) ||
          this.isHeld(index) ||
          (region.container >= 0 && this.region(region.container).owner !== owner)),
    );
  }

  /** The end of an owner's regions. */
  endOwner(owner: number): void {
    for (const [index, region] of this.state.regions.entries()) {
      if (region.owner !== owner || region.ended) continue;
      region.enabled = false;
      if (region.container >= 0) this.remove(index);
      for (const child of [...region.children]) this.remove(child);
      region.ended = true;
    }
  }
}
