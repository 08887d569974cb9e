/** What a history is, as plain data that can be kept in a file, and how a vCPU writes its part of one. */
import type { SharedWords } from '../../src/layout/control-block.ts';
import type { Edit, RecordedLayout } from './recorded-layout.ts';

/** Which layouts a vCPU can have taken at some moment, by their numbers. */
interface Bounds {
  /** Was published before. */
  readonly oldest: number;
  /** Nothing newer can have been published until after. */
  readonly newest: number;
}

export interface Checkpoint extends Bounds {
  readonly kind: 'checkpoint';
}

/** The vCPU took a hold on the layout of a port, and let go of the one that it had. */
export interface Hold {
  readonly kind: 'hold';
  readonly space: number;
}

/** A load or a store. Its bounds are those of the layout that it leaves behind if a homed device answered. */
interface Access extends Bounds {
  readonly space: number;
  readonly address: number;
  /** MemTxResult. */
  readonly result: number;
}

/**
 * A load, or a copy: of any length, split at every border, and to devices in whatever sizes they take; the last kind
 * is a copy by the layout that is held.
 */
export interface Read extends Access {
  readonly kind: 'read' | 'copy' | 'held copy';
  /** By ascending address. */
  readonly bytes: readonly number[];
}

export interface Write extends Access {
  readonly kind: 'write';
  readonly size: number;
  /** The newest layout that was made by a device before it answered; 0: none. */
  readonly made: number;
  /** For each byte that was taken: by which region, at which offset. */
  readonly landed: readonly (readonly [region: number, offset: number])[];
}

export type HistoryEvent = Checkpoint | Hold | Read | Write;

export interface History {
  /** Number of the layout `first`. */
  readonly version: number;
  readonly first: RecordedLayout;
  /** For each layout after that, what was done to the one before. */
  readonly changes: readonly (readonly Edit[])[];
  /** What each vCPU saw, in its order. */
  readonly vcpus: readonly (readonly HistoryEvent[])[];
}

const CHECKPOINT = 1;
const READ = 2;
const WRITE = 3;
const COPY = 4;
const HELD_COPY = 5;
const HOLD = 6;
/** Of a copy, whose bytes lie in words of their own. */
export const COPY_BYTES_MAX = 64;
/** Of the longest event: a copy. */
const EVENT_WORDS_MAX = 8 + COPY_BYTES_MAX;
/** Word 0 counts the words that follow. */
const HEAD_WORDS = 1;

/** A vCPU's pen. One thread's own, until it has told others that the chapter is done. */
export class Recorder {
  private readonly words: SharedWords;
  private used = HEAD_WORDS;

  constructor(words: SharedWords) {
    this.words = words;
  }

  get isFull(): boolean {
    return this.used + EVENT_WORDS_MAX > this.words.length;
  }

  clear(): void {
    this.used = HEAD_WORDS;
    this.words[0] = 0;
  }

  checkpoint(oldest: number, newest: number): void {
    this.put([CHECKPOINT, oldest, newest]);
  }

  /** @param valueHi of eight bytes; else it does not count */
  read(access: Access, size: number, valueLo: number, valueHi: number): void {
    this.put([READ, ...placeOf(access), size, valueLo, valueHi]);
  }

  hold(space: number): void {
    this.put([HOLD, space]);
  }

  copy(access: Access, isHeld: boolean, bytes: Uint8Array): void {
    this.put([isHeld ? HELD_COPY : COPY, ...placeOf(access), bytes.length, ...bytes]);
  }

  write(access: Access, size: number, made: number, landed: Write['landed']): void {
    this.put([WRITE, ...placeOf(access), size, made, landed.length, ...landed.flat()]);
  }

  private put(event: readonly number[]): void {
    this.words.set(event, this.used);
    this.used += event.length;
    this.words[0] = this.used - HEAD_WORDS;
  }
}

const placeOf = ({ oldest, newest, space, address, result }: Access): number[] => [
  ...[oldest, newest, space, Math.floor(address / 2 ** 32), address | 0, result],
];

/** What a Recorder wrote. */
export function eventsIn(words: SharedWords): HistoryEvent[] {
  const events: HistoryEvent[] = [];
  const end = HEAD_WORDS + words[0]!;
  let at = HEAD_WORDS;
  const next = (): number => words[at++]!;
  const takeAccess = (oldest: number, newest: number): Access => {
    const space = next();
    const address = next() * 2 ** 32 + (next() >>> 0);
    return { oldest, newest, space, address, result: next() };
  };
  while (at < end) {
    const kind = next();
    if (kind === HOLD) {
      events.push({ kind: 'hold', space: next() });
      continue;
    }
    const oldest = next();
    const newest = next();
    if (kind === CHECKPOINT) {
      events.push({ kind: 'checkpoint', oldest, newest });
      continue;
    }
    const access = takeAccess(oldest, newest);
    const size = next();
    if (kind === READ) events.push({ kind: 'read', ...access, bytes: bytesOf(size, next(), next()) });
    else if (kind === COPY || kind === HELD_COPY) {
      const how = kind === COPY ? 'copy' : 'held copy';
      events.push({ kind: how, ...access, bytes: Array.from({ length: size }, next) });
    } else {
      const made = next();
      const landed = Array.from({ length: next() }, () => [next(), next()] as const);
      events.push({ kind: 'write', ...access, size, made, landed });
    }
  }
  return events;
}

const bytesOf = (size: number, lo: number, hi: number): number[] =>
  Array.from({ length: size }, (_, byte) => ((byte < 4 ? lo : hi) >>> (8 * (byte % 4))) & 0xff);
