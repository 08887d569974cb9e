/**
 * A thread's map clients: who wants to hear that map() may find bounce bytes again. One thread's own.
 * Guarantee: a client is called once, in this thread, when its address space has bytes left: at once if it has,
 * else at a checkpoint or, where the thread has an event loop, from there. None is forgotten: the thread
 * announces that it has clients before it looks at the budget (src/grace/bounce-budget.ts).
 * @source QEMU address_space_register_map_client
 */
import type { BounceBudget } from '../grace/bounce-budget.ts';
import { READER_INTERRUPTS, readerWord, type SharedWords } from '../layout/control-block.ts';

interface MapClient {
  readonly addressSpace: number;
  readonly callback: () => void;
}

export class MapClients {
  /** Called when a client begins to wait; whoever owns the thread sees to it that poll() is called. */
  onWaiting: () => void = () => {};
  private readonly budget: BounceBudget;
  private readonly clients = new Set<MapClient>();

  constructor(budget: BounceBudget) {
    this.budget = budget;
  }

  get waitingCount(): number {
    return this.clients.size;
  }

  /** Returns how to take the client back before it was called; afterwards that does nothing. */
  register(addressSpace: number, callback: () => void): () => void {
    const client = { addressSpace, callback };
    this.clients.add(client);
    this.budget.announceClients(this.clients.size);
    this.poll();
    if (this.clients.has(client)) this.onWaiting();
    return () => this.remove(client);
  }

  /** Calls those whose address space has bytes left, oldest first; one that takes the last leaves the others waiting. */
  poll(): void {
    for (const client of [...this.clients]) {
      if (!this.clients.has(client) || this.budget.left(client.addressSpace) === 0) continue;
      this.remove(client);
      client.callback();
    }
  }

  /** Polls from this thread's event loop, by the word that a giver of bytes wakes it by. */
  useEventLoop(words: SharedWords, slot: number): void {
    const word = readerWord(slot) + READER_INTERRUPTS;
    let watching = false;
    const watch = async (): Promise<void> => {
      watching = true;
      while (this.clients.size > 0) {
        const seen = Atomics.load(words, word); // before the look: no gift is missed
        this.poll();
        if (this.clients.size === 0) break;
        const wait = Atomics.waitAsync(words, word, seen); // pairs with wakeMapClients
        if (wait.async) await wait.value;
      }
      watching = false;
    };
    this.onWaiting = () => {
      if (!watching) void watch();
    };
  }

  private remove(client: MapClient): void {
    if (this.clients.delete(client)) this.budget.announceClients(this.clients.size);
  }
}
