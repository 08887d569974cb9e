/**
 * One thread's typed views of the RAM buffers, made once each. Buffer 0 is there from the start; further
 * ones arrive over the attachment port, which a busy thread drains when it meets an id that it lacks.
 */
import { assert } from '../base/assert.ts';
import type { SharedWords } from '../layout/control-block.ts';

/** One buffer, seen in the widths of the guest's accesses. */
export interface RamView {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly halves: Uint16Array<SharedArrayBuffer>;
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly doubles: BigInt64Array<SharedArrayBuffer>;
  /** Its dirty bits. */
  readonly dirty: SharedWords;
}

/** What a view is made of: the bytes, and layout/dirty-bitmap.ts for them. */
export interface RamBuffers {
  readonly bytes: SharedArrayBuffer;
  readonly dirty: SharedArrayBuffer;
}

function viewOf({ bytes: buffer, dirty }: RamBuffers): RamView {
  return {
    bytes: new Uint8Array(buffer),
    halves: new Uint16Array(buffer),
    words: new Int32Array(buffer),
    doubles: new BigInt64Array(buffer),
    dirty: new Int32Array(dirty),
  };
}

export class RamViews {
  readonly main: RamView;
  /** Called before a write to a page that somebody translates code from; see CodeWatch. */
  onCodeWritten: (hi: number, lo: number, size: number) => void = () => {};
  /** Called when a buffer is missing; it must add() what has been posted. */
  onMissing: () => void = () => {};
  private readonly views: (RamView | null)[];

  constructor(main: RamBuffers) {
    this.main = viewOf(main);
    this.views = [this.main];
  }

  add(buffer: number, buffers: RamBuffers): void {
    while (this.views.length <= buffer) this.views.push(null);
    this.views[buffer] = viewOf(buffers);
  }

  /** The buffer's memory can be freed once every thread has dropped it. */
  drop(buffer: number): void {
    if (buffer < this.views.length) this.views[buffer] = null;
  }

  get(buffer: number): RamView {
    const view = this.views[buffer];
    if (view !== undefined && view !== null) return view;
    this.onMissing();
    const arrived = this.views[buffer];
    assert(
      arrived !== undefined && arrived !== null,
      `RAM buffer ${buffer} was posted before its section was published`,
    );
    return arrived;
  }
}
