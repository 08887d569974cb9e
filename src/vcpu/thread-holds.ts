/** What a thread has beyond its checkpoints: holds on views, bounce bytes, map clients. One thread's own. */
import { BounceBudget } from '../grace/bounce-budget.ts';
import { HoldTaker } from '../grace/hold-taker.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { MapClients } from './map-clients.ts';

export class ThreadHolds {
  readonly views: HoldTaker;
  readonly bounce: BounceBudget;
  readonly clients: MapClients;

  constructor(words: SharedWords, slot: number) {
    this.views = new HoldTaker(words, slot);
    this.bounce = new BounceBudget(words, slot);
    this.clients = new MapClients(this.bounce);
  }

  /** The thread gives its slot back: what it held ends with it. */
  end(): void {
    this.views.end();
    this.bounce.end();
  }
}
