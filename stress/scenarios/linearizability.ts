/** vCPUs record what they see of a layout that changes all the time; afterwards it must be explained by the layouts. */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Bed, pause, sharedWords } from '../bed.ts';
import { BOARD_CHAPTER, boardWords, LINE_DONE, LINE_RECORDED, lineWord } from '../linearizability/board.ts';
import { type Conviction, checkHistory } from '../linearizability/check-history.ts';
import { SPACES } from '../linearizability/churned-layout.ts';
import { ChurnedMachine } from '../linearizability/churned-machine.ts';
import { eventsIn, type History } from '../linearizability/history.ts';
import type { HistorianJob } from '../programs/historian.ts';
import type { Scenario } from '../scenario.ts';

const program = new URL('../programs/historian.ts', import.meta.url);
/** Words of all vCPUs' histories in a chapter: some 6,000 accesses, which are checked in a second or less. */
const CHAPTER_WORDS = 60_000;
/** Turns of the event loop between two commits: in them homed devices are served. */
const TURNS = [0, 0, 0, 1, 1, 4];
/** One in so many commits is followed by a rest, in which accesses are due to one layout alone. */
const RESTS_ONE_IN = 50;

/** Publishes layouts until every vCPU has recorded its chapter. */
async function churn(
  bed: Bed,
  layouts: ChurnedMachine,
  isDone: () => boolean,
  goesOn: () => void,
): Promise<void> {
  while (!isDone() && bed.violationCount === 0) {
    goesOn();
    if (!layouts.tryNext()) await bed.graceful('synchronize() after BACK_PRESSURE');
    for (let turns = bed.random.pick(TURNS); turns > 0; turns -= 1) await nextTurn();
    if (bed.random.below(RESTS_ONE_IN) === 0) await pause(1);
  }
}

/** What convicts by itself: of the convicted vCPU's part, all up to the event that nothing explains. */
function excerpt(history: History, { vcpu, event }: Conviction): History {
  const only = history.vcpus.map((events, number) => (number === vcpu ? events.slice(0, event + 1) : []));
  return { ...history, vcpus: only };
}

function keep(bed: Bed, history: History): string {
  const file = join(tmpdir(), `flatview-history-${bed.seed}.json`);
  writeFileSync(file, JSON.stringify(history));
  return file;
}

export const linearizability: Scenario = {
  name: 'linearizability',
  property:
    'what each vCPU sees is explained by layouts between its last checkpoint and now, none older after a newer',
  seconds: 5,
  layoutsByGuests: true,
  async run(bed) {
    const board = sharedWords(boardWords(bed.vcpuCount));
    const machine = bed.open();
    const host = await bed.bounded('start of the device host', machine.startDeviceHost(), 60_000);
    const layouts = new ChurnedMachine(bed, board, host);
    const vcpus = Array.from({ length: bed.vcpuCount }, (_, number) => {
      const words = sharedWords(Math.ceil(CHAPTER_WORDS / bed.vcpuCount));
      const job: HistorianJob = { history: words.buffer };
      bed.start(program, job, { words: board, addressSpaces: SPACES });
      return { number, words };
    });
    await bed.up();
    const recorded = (): number =>
      vcpus.reduce((sum, { number }) => sum + Atomics.load(board, lineWord(number, LINE_RECORDED)), 0);
    const goesOn = bed.watch('recorded accesses', recorded);
    let chapters = 0;
    let accesses = 0;
    let decided = 0;
    while (!bed.timeIsUp && bed.violationCount === 0) {
      layouts.beginChapter();
      chapters += 1;
      Atomics.store(board, BOARD_CHAPTER, chapters);
      const isDone = (): boolean =>
        vcpus.every(({ number }) => Atomics.load(board, lineWord(number, LINE_DONE)) === chapters);
      await churn(bed, layouts, isDone, goesOn);
      // A vCPU has failed, say by an assertion: what led to that is looked at all the same.
      if (!isDone()) await bed.stopVcpus();
      const history = layouts.history(vcpus.map(({ words }) => eventsIn(words)));
      const verdict = checkHistory(history);
      accesses += verdict.accesses;
      decided += verdict.decided;
      bed.checked(verdict.accesses);
      for (const conviction of verdict.convictions) bed.violation(conviction.text);
      const [first] = verdict.convictions;
      if (first !== undefined)
        bed.violation(
          `kept in ${keep(bed, excerpt(history, first))}: npm run -s histories -- FILE checks it`,
        );
    }
    const share = Math.round((100 * decided) / Math.max(accesses, 1));
    return `${layouts.version} layouts; ${accesses} accesses in ${chapters} chapters, ${share} % of them due to one layout alone`;
  },
};
