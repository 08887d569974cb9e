/** One vCPU and one page of RAM for walks of dirty logging, cut into steps as its code does them. */
import { DIRTY_CLIENT_CODE } from '../../src/base/dirty-log.ts';
import {
  createControlBlock,
  GENERATION_FIRST,
  GENERATION_OFFLINE,
  READER_ANNOUNCED,
  READER_DIRTY_EPOCH,
  readerWord,
  WORD_DIRTY_EPOCH,
  WORD_GENERATION,
} from '../../src/layout/control-block.ts';
import {
  createDirtyBitmap,
  DIRTY_CODE_VERSIONS,
  markDirtyPages,
  pagesAreDirty,
} from '../../src/layout/dirty-bitmap.ts';
import { type Step, step } from './interleavings.ts';

export const ANNOUNCED = readerWord(0) + READER_ANNOUNCED;
export const EPOCH_SEEN = readerWord(0) + READER_DIRTY_EPOCH;
const CODE = 1 << DIRTY_CLIENT_CODE;

/** The shared words, and one vCPU's private ones. At first its page is dirty, and its stores to it are armed. */
export class DirtyScene {
  readonly words = createControlBlock();
  readonly bits = createDirtyBitmap(4096);
  readonly memory = new Int32Array(new SharedArrayBuffer(4));
  armed = true;
  private generation = GENERATION_FIRST;
  private epoch = 0;
  private readonly mask: number;

  constructor(mask: number) {
    this.mask = mask;
    this.words[ANNOUNCED] = GENERATION_FIRST;
  }

  /** A store of `value`: looks at the bits unless it is armed, marks if it must, then writes. */
  store(value: number): Step[] {
    const write = `write ${value}`;
    return [
      step(`look ${value}`, () => {
        if (!this.armed && !pagesAreDirty(this.bits, 0, 0, this.mask)) return null;
        this.armed = true;
        return write;
      }),
      ...(this.mask === CODE
        ? [step(`version ${value}`, () => Atomics.add(this.bits, DIRTY_CODE_VERSIONS, 1))]
        : []),
      step(`mark ${value}`, () => {
        if (this.mask === CODE) Atomics.or(this.bits, DIRTY_CLIENT_CODE, 1);
        else markDirtyPages(this.bits, 0, 0, this.mask);
        this.armed = true;
        return null;
      }),
      step(write, () => void Atomics.store(this.memory, 0, value)),
    ];
  }

  /** As Vcpu.checkpoint, where the control thread began a generation; as ReaderSession.attach otherwise. */
  checkpoint(name: string): Step[] {
    return [this.loadGeneration(name), this.announce(name), this.rearm(name), this.tell(name)];
  }

  loadGeneration = (name: string): Step =>
    step(`load generation ${name}`, () => {
      this.generation = Atomics.load(this.words, WORD_GENERATION);
      return null;
    });
  announce = (name: string): Step =>
    step(`announce ${name}`, () => void Atomics.store(this.words, ANNOUNCED, this.generation));
  rearm = (name: string): Step =>
    step(`re-arm ${name}`, () => {
      const epoch = Atomics.load(this.words, WORD_DIRTY_EPOCH);
      if (epoch !== this.epoch) this.armed = false;
      this.epoch = epoch;
      return null;
    });
  tell = (name: string): Step =>
    step(`tell ${name}`, () => void Atomics.store(this.words, EPOCH_SEEN, this.epoch));
  offline = (): Step => step('offline', () => void Atomics.store(this.words, ANNOUNCED, GENERATION_OFFLINE));
}
