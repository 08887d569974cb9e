/*
 * Dirty bits of one page: src/publish/dirty-pages.ts, src/service/machine-dirty-log.ts, src/vcpu/reader-session.ts,
 * src/layout/dirty-bitmap.ts (docs/MEMORY-ORDER.md). Two vCPUs store to it, pass checkpoints, go offline and come back;
 * vCPU 0 may sleep offline for as long as it likes, vCPU 1 may be killed at any step. Two clears may overlap, as tasks
 * of the control thread: nothing else runs in it while one takes the bits, counts and begins its generation.
 *
 * A store is lost if it lands on a page whose bit is clear, and whose bytes no clear has still to read. Epochs and
 * generations only matter as differences: whether WORD_DIRTY_EPOCH moved since a vCPU loaded it, and whether a clear's
 * generation is later than what a vCPU announced.
 */
#define VCPUS 2
#define CLEARS 2
#define SLEEPER 0
#define MORTAL 1

/* Shared words. */
bool bit = true;
bool epochMoved[VCPUS]; /* WORD_DIRTY_EPOCH is not what the vCPU knows */
bool isOnline[VCPUS];
byte behind[VCPUS]; /* generations that what it announced is older than the newest; up to CLEARS */
byte loadedBehind[VCPUS]; /* likewise, what it is about to announce */

/* Private words. */
bool isArmed[VCPUS];
bool isUnread[CLEARS]; /* a clear took the bit and has not read the page */
byte awaited[CLEARS]; /* generations that were begun since the clear's own */
bool controlIsBusy;
bool hasExited;
bool isRemoved;

#define STEP(step) if :: step :: slot == MORTAL && !hasExited -> goto exit fi
