/** How many accesses each vCPU has checked, from its word on the board, which wraps. Control thread. */
import type { SharedWords } from '../layout/control-block.ts';
import { VCPU_ACCESSES, vcpuWord } from './board.ts';

export class AccessCounts {
  private readonly board: SharedWords;
  private readonly totals: number[];
  private readonly lastWords: number[];

  constructor(board: SharedWords, vcpus: number) {
    this.board = board;
    this.totals = new Array<number>(vcpus).fill(0);
    this.lastWords = new Array<number>(vcpus).fill(0);
  }

  /** Takes what the board says now; to be called more often than a word wraps, every few seconds at least. */
  update(): readonly number[] {
    for (const [vcpu, last] of this.lastWords.entries()) {
      const word = this.board[vcpuWord(vcpu) + VCPU_ACCESSES]!;
      this.totals[vcpu] = this.totals[vcpu]! + ((word - last) >>> 0);
      this.lastWords[vcpu] = word;
    }
    return [...this.totals];
  }

  /** Of all vCPUs, at the last update. */
  get total(): number {
    return this.totals.reduce((sum, count) => sum + count, 0);
  }
}
