/**
 * Decides whether layouts explain a history: for each vCPU and address space there must be a layout for each access
 * that answers as was seen, within the bounds that are known, never an older one after a newer, and the same between
 * two points at which the vCPU may have taken another: a checkpoint, or the answer of a homed device.
 *
 * It keeps, for each vCPU and space, the set of all layouts on which that port may be after the events so far, so no
 * choice that explains the rest is ever lost. Where the port may take another layout, the oldest of the set is as
 * good as any other: whatever may follow one of them, being newer than it and within the bounds, may follow an older
 * one too. So the set becomes all from the oldest on that the bounds allow. That is the greedy choice of the smallest
 * version; the whole set is needed only until the next such point, while the layout must stay one.
 *
 * Ports of one vCPU take their layouts one after the other, so each has its own order; two address spaces may be one
 * publication apart. What they share are the bounds, and when they move.
 */
import { codedByte, type Giver, isHomedByte, isPrivate } from './coded-bytes.ts';
import type { History, HistoryEvent, Read, Write } from './history.ts';
import { type Answer, answerAt, edited, type RecordedLayout } from './recorded-layout.ts';

export interface Conviction {
  readonly vcpu: number;
  /** Number of the event that no layout explains. */
  readonly event: number;
  readonly text: string;
}

export interface HistoryVerdict {
  readonly accesses: number;
  /** Accesses after which only one layout was left: how sharp the bounds are. */
  readonly decided: number;
  /** At most one for each vCPU: after it nothing is known. */
  readonly convictions: readonly Conviction[];
}

type AnyAccess = Read | Write;
type Piece = readonly [address: number, size: number];

/** Bytes of a call that gives more than one; each lies on a multiple of its size. */
const CALL_SIZES = [2, 4, 8];
/** MemTxResult of a byte where nobody answers. */
const DECODE_ERROR = 2;

/** How an access may have gone so far: with which layout in use, and what came of its pieces. */
interface Path {
  readonly version: number;
  readonly result: number;
  /** Bytes of a write that were taken. */
  readonly landed: number;
}

export function checkHistory(history: History): HistoryVerdict {
  const layouts = layoutsOf(history);
  const verdicts = history.vcpus.map((events, vcpu) => new VcpuCheck(history, layouts, vcpu).run(events));
  return {
    accesses: verdicts.reduce((sum, { accesses }) => sum + accesses, 0),
    decided: verdicts.reduce((sum, { decided }) => sum + decided, 0),
    convictions: verdicts.flatMap(({ convictions }) => convictions),
  };
}

function layoutsOf({ first, changes }: History): RecordedLayout[] {
  const layouts = [first];
  for (const edits of changes) layouts.push(edits.reduce(edited, layouts.at(-1)!));
  return layouts;
}

class VcpuCheck {
  private readonly history: History;
  private readonly layouts: readonly RecordedLayout[];
  private readonly vcpu: number;
  /** For each address space, the layouts on which its port may be; ascending, never empty. */
  private ports: number[][];
  /** The same of the layout that it holds, which no checkpoint changes; empty: it holds none. */
  private held: number[] = [];
  private accesses = 0;
  private decided = 0;

  constructor(history: History, layouts: readonly RecordedLayout[], vcpu: number) {
    this.history = history;
    this.layouts = layouts;
    this.vcpu = vcpu;
    const all = range(history.version, history.version + history.changes.length);
    this.ports = history.first.roots.map(() => all);
  }

  run(events: readonly HistoryEvent[]): HistoryVerdict {
    for (const [number, event] of events.entries()) {
      const fault = this.take(event);
      if (fault === null) continue;
      const text = `vCPU ${this.vcpu}, event ${number}: ${fault}`;
      return this.verdict([{ vcpu: this.vcpu, event: number, text }]);
    }
    return this.verdict([]);
  }

  private take(event: HistoryEvent): string | null {
    if (event.kind === 'checkpoint') return this.move(event.oldest, event.newest);
    if (event.kind !== 'hold') return this.access(event);
    this.held = this.ports[event.space]!;
    return null;
  }

  private verdict(convictions: readonly Conviction[]): HistoryVerdict {
    const { accesses, decided } = this;
    return { accesses, decided, convictions };
  }

  /** Each port but that to space `stays` takes a layout within the bounds that is no older than its own. */
  private move(oldest: number, newest: number, stays = -1): string | null {
    const moved = this.ports.map((versions, space) =>
      space === stays ? versions : this.from(versions[0]!, oldest, newest),
    );
    const space = moved.findIndex((versions) => versions.length === 0);
    if (space >= 0) {
      return `the port to space ${space} was on layout ${this.ports[space]![0]} or later, but none was made after ${newest}`;
    }
    this.ports = moved;
    return null;
  }

  /** What a port may take next that is on `version`, or on newer ones. A commit that was refused made no layout. */
  private from(version: number, oldest: number, newest: number): number[] {
    const last = this.history.version + this.history.changes.length;
    return range(Math.max(version, oldest), Math.min(newest, last));
  }

  private access(access: AnyAccess): string | null {
    const isHeld = access.kind === 'held copy';
    const before = isHeld ? this.held : this.ports[access.space]!;
    const made = access.kind === 'write' ? access.made : 0;
    const after = before.flatMap((version) => this.explain(access, version));
    const versions = ascending(after.filter((version) => version >= made));
    if (versions.length === 0) return this.unexplained(access, before);
    this.accesses += 1;
    if (versions.length === 1) this.decided += 1;
    if (isHeld) this.held = versions;
    else this.ports[access.space] = versions;
    if (!this.isHomed(access)) return null;
    return this.move(Math.max(access.oldest, made), access.newest, isHeld ? -1 : access.space);
  }

  /** The layouts on which the port may be after `access`, if it was on `version`; none: that does not explain it. */
  private explain(access: AnyAccess, version: number): number[] {
    const start = { version, result: 0, landed: 0 };
    const paths =
      access.kind === 'copy' || access.kind === 'held copy'
        ? this.followAll(access, start, bytewise(access))
        : this.follow(access, start, access.address, sizeOf(access));
    const landed = access.kind === 'write' ? access.landed.length : 0;
    const explaining = paths.filter((path) => path.result === access.result && path.landed === landed);
    return explaining.map((path) => path.version);
  }

  /**
   * `size` bytes at `address`, a piece of the access. A device is called for a piece that lies on a multiple of its
   * size, and then takes it whole; everything else goes byte by byte, in pieces that may each be a call.
   */
  private follow(access: AnyAccess, path: Path, address: number, size: number): Path[] {
    const layout = this.layouts[path.version - this.history.version]!;
    const answer = answerAt(layout, layout.roots[access.space]!, address);
    const isWrite = access.kind === 'write';
    const isCall = answer !== null && isDevice(answer, isWrite) && !(isWrite && answer.readonly);
    if (size > 1 && !(isCall && address % size === 0)) {
      return this.followAll(access, path, pieces(address, size));
    }
    const landed = match(access, answer, address, size);
    if (landed === null) return [];
    const result = path.result | (answer === null || isRefused(answer, isWrite, size) ? DECODE_ERROR : 0);
    const { oldest, newest } = access;
    // While it was answered, the vCPU's ports took the newest layout.
    const moves = isCall && answer.kind === 'homed' && access.kind !== 'held copy';
    const versions = moves ? this.from(path.version, oldest, newest) : [];
    if (!moves || goesOn(access, layout, answer, address)) versions.push(path.version);
    return versions.map((version) => ({ version, result, landed: path.landed + landed }));
  }

  /** One piece after the other; between two the layout may change if a homed device answered. */
  private followAll(access: AnyAccess, start: Path, all: readonly Piece[]): Path[] {
    let paths = [start];
    for (const [at, count] of all) {
      const next = paths.flatMap((path) => this.follow(access, path, at, count));
      paths = next.length > 1 ? distinct(next) : next;
    }
    return paths;
  }

  private isHomed(access: AnyAccess): boolean {
    if (access.kind !== 'write') return access.bytes.some(isHomedByte);
    return access.landed.some(([region]) => this.history.first.regions[region]!.kind === 'homed');
  }

  private unexplained(access: AnyAccess, versions: readonly number[]): string {
    const { kind, space, address, result } = access;
    const what =
      access.kind === 'write'
        ? `went to [${access.landed.map((place) => this.placeName(...place)).join(', ')}]`
        : `gave ${access.bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
    const due = versions.slice(0, 3).map((version) => `${version}: ${this.due(version, access)}`);
    const last = versions.at(-1)!;
    return (
      `${kind} of ${sizeOf(access)} at 0x${address.toString(16)} of space ${space} ${what}, result ${result}; ` +
      `possible were layouts ${versions[0]} to ${last}, which have there ${due.join('; ')}`
    );
  }

  private due(version: number, access: AnyAccess): string {
    const layout = this.layouts[version - this.history.version]!;
    const answer = answerAt(layout, layout.roots[access.space]!, access.address);
    if (answer === null) return 'nothing';
    return `${answer.readonly ? 'readonly ' : ''}${this.placeName(answer.region, answer.offset)}`;
  }

  private placeName(region: number, offset: number): string {
    return `${this.history.first.regions[region]!.name}+0x${offset.toString(16)}`;
  }
}

/** Whether the call of the device that gives a copy's byte at `address` may be the one that gives the next byte. */
function goesOn(
  access: AnyAccess,
  layout: RecordedLayout,
  { region, offset }: Answer,
  address: number,
): boolean {
  if (access.kind !== 'copy') return false;
  const { space, address: first, bytes } = access;
  const next = answerAt(layout, layout.roots[space]!, address + 1);
  if (next?.region !== region || next.offset !== offset + 1) return false;
  return CALL_SIZES.some((size) => {
    const start = address - (address % size);
    return start >= first && start + size <= first + bytes.length && address + 1 < start + size;
  });
}

/** Bytes of a write that `answer` takes of this piece, 0 for a read; null if that is not what was seen. */
function match(access: AnyAccess, answer: Answer | null, address: number, size: number): number | null {
  const isLost = answer === null || isRefused(answer, access.kind === 'write', size);
  if (access.kind === 'write') {
    if (isLost || answer.readonly) return 0;
    for (let byte = 0; byte < size; byte += 1) {
      const isSeen = access.landed.some(
        ([region, offset]) => region === answer.region && offset === answer.offset + byte,
      );
      if (!isSeen) return null;
    }
    return size;
  }
  for (let byte = 0; byte < size; byte += 1) {
    const seen = access.bytes[address - access.address + byte]!;
    if (isLost ? seen !== 0 : !isByteOf(answer, byte, seen)) return null;
  }
  return 0;
}

function isByteOf(answer: Answer, byte: number, seen: number): boolean {
  const { region, offset } = answer;
  const giver = giverOf(answer, false);
  if (giver === 'memory' && isPrivate(offset + byte)) return true;
  return seen === codedByte(giver, region, offset + byte);
}

/** A ROM device's writes always go to its callbacks, its reads only while it is not in ROM mode. */
function giverOf({ kind, romd }: Answer, isWrite: boolean): Giver {
  if (kind === 'rom-device') return romd && !isWrite ? 'memory' : 'local';
  return kind === 'local' || kind === 'homed' ? kind : 'memory';
}

const isDevice = (answer: Answer, isWrite: boolean): boolean => giverOf(answer, isWrite) !== 'memory';

/** A device takes no access whose offset in it is no multiple of the size. */
const isRefused = (answer: Answer, isWrite: boolean, size: number): boolean =>
  isDevice(answer, isWrite) && answer.offset % size !== 0;

const sizeOf = (access: AnyAccess): number => (access.kind === 'write' ? access.size : access.bytes.length);

/** A copy's pieces are larger: a byte of a homed device may leave the layout as it is for the next one (goesOn). */
const bytewise = ({ address, bytes }: Read): Piece[] => [...bytes.keys()].map((byte) => [address + byte, 1]);

/** The largest pieces that are smaller and lie on multiples of their size, by ascending address. */
function pieces(address: number, size: number): Piece[] {
  const found: Piece[] = [];
  for (let done = 0; done < size; ) {
    let count = size / 2;
    while ((address + done) % count !== 0 || count > size - done) count /= 2;
    found.push([address + done, count]);
    done += count;
  }
  return found;
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);

const ascending = (versions: readonly number[]): number[] => [...new Set(versions)].sort((a, b) => a - b);

const distinct = (paths: readonly Path[]): Path[] => [
  ...new Map(paths.map((path) => [`${path.version} ${path.result} ${path.landed}`, path])).values(),
];
