/** Answers each change of the first word by the same change of the second, asleep between; 0 ends it. Plain: no loader. */
import { workerData as words } from 'node:worker_threads';

for (let seen = 0; ; seen += 1) {
  while (Atomics.load(words, 0) === seen) Atomics.wait(words, 0, seen);
  if (Atomics.load(words, 0) < 0) break;
  Atomics.store(words, 1, seen + 1);
  Atomics.notify(words, 1);
}
