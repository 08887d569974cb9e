/*
 * Dirty bits of one page: src/publish/dirty-pages.ts, src/service/machine-dirty-log.ts, src/vcpu/reader-session.ts,
 * src/layout/dirty-bitmap.ts (docs/MEMORY-ORDER.md). vCPU 0 stores to it, passes checkpoints, goes offline, sleeps there for as long as it likes
 * and comes back. With one clear at a time there is vCPU 1, too, which may be killed at any step. Two clears overlap as
 * tasks of the control thread: nothing else runs in it while one takes the bits, counts and begins its generation.
 *
 * A store is lost if it lands on a page whose bit is clear, and whose bytes no clear has still to read. Epochs and
 * generations only matter as differences: whether WORD_DIRTY_EPOCH moved since a vCPU loaded it, and whether a clear's
 * generation is later than what a vCPU announced. While a clear waits, the other begins CLEARS_MAX times at most.
 */
#ifndef CLEARS
#define CLEARS 1
#endif
#define VCPUS 2
#define CLEARS_MAX 2
#define OLDEST 3
#define OLDER(age) age = (age < OLDEST -> age + 1 : age)
#define SLEEPER 0
#define MORTAL 1

/* Shared words. */
bool isDirty = true;
bool epochMoved[VCPUS]; /* WORD_DIRTY_EPOCH is another than the vCPU knows */
bool isOnline[VCPUS];
byte announced[VCPUS]; /* how much older it is than GENERATION */
byte loaded[VCPUS]; /* likewise what a vCPU is about to announce */

/* The control thread's. */
bool isBusy;
bool isUnread[2]; /* a clear has taken the bit, and has still to read the page */
byte own[2]; /* how much older its generation is than GENERATION */
bool hasExited;

#define STEP(step) if :: step :: slot == MORTAL && !hasExited -> goto exit fi

/* No store is lost. */
#define WRITE assert(isDirty || isUnread[0] || isUnread[1])

#ifdef STAYS_ARMED
#define REARM epochMoved[slot] = false
#else
#define REARM isArmed = isArmed && !epochMoved[slot]; epochMoved[slot] = false
#endif

proctype vcpu(byte slot) {
  bool isArmed;
  do
  :: isOnline[slot] ->
     if /* a store, or none; then a checkpoint */
     :: isArmed -> STEP(WRITE)
     :: atomic { !isArmed && isDirty -> isArmed = true }; STEP(WRITE)
     :: !isArmed && !isDirty ->
#ifdef WRITES_BEFORE_IT_MARKS
        STEP(WRITE);
#endif
#ifndef NEVER_MARKS
        STEP(isDirty = true);
#endif
        isArmed = true;
        STEP(WRITE)
     :: slot == MORTAL && !hasExited -> goto exit
     :: slot < VCPUS
     fi;
     if
     :: announced[slot] == 0 /* GENERATION has not moved */
     :: announced[slot] != 0 -> goto announce
     :: STEP(atomic { isOnline[slot] = false; announced[slot] = OLDEST })
     fi
  :: !isOnline[slot] -> /* ReaderSession.attach(), and refresh() at a checkpoint */
announce:
#ifdef EPOCH_BEFORE_ANNOUNCEMENT
     STEP(atomic { REARM });
#endif
     STEP(loaded[slot] = 0);
     STEP(atomic { announced[slot] = loaded[slot]; isOnline[slot] = true; loaded[slot] = OLDEST });
#ifndef EPOCH_BEFORE_ANNOUNCEMENT
     STEP(atomic { REARM })
#endif
  :: slot == SLEEPER && !isOnline[slot] /* sleeps on */
  :: slot == MORTAL && !hasExited -> break
  od;
exit:
  atomic { isArmed = false; loaded[slot] = OLDEST; hasExited = true }
}

#define CLEAR isUnread[clear] = isDirty; isDirty = false
#define BUMP epochMoved[0] = true; epochMoved[1] = true
#define ADVANCE \
  OLDER(announced[0]); OLDER(announced[1]); OLDER(loaded[0]); OLDER(loaded[1]); \
  own[1 - clear] = (isUnread[1 - clear] -> own[1 - clear] + 1 : 0); own[clear] = 0
#define AWAIT(slot) !isOnline[slot] || announced[slot] <= own[clear]

/* MachineDirtyLog.snapshotAndClear(), one after the other. */
proctype clearer(byte clear) {
  do
  :: atomic { !isBusy && isDirty && own[1 - clear] < CLEARS_MAX -> isBusy = true };
#ifdef EPOCH_BEFORE_BITS
     atomic { BUMP };
     atomic { CLEAR };
#else
     atomic { CLEAR };
#if !defined(TELLS_NOBODY) && !defined(EPOCH_AFTER_GENERATION)
     atomic { BUMP };
#endif
#endif
     atomic { ADVANCE };
#ifdef EPOCH_AFTER_GENERATION
     atomic { BUMP };
#endif
     isBusy = false;
#ifdef READS_BEFORE_IT_WAITS
     isUnread[clear] = false;
#endif
#ifndef NO_WAIT
     AWAIT(0);
     AWAIT(1);
#endif
     atomic { isUnread[clear] = false; own[clear] = 0 }
  od
}

proctype control() {
  hasExited;
#ifndef DEAD_READER_STAYS
  atomic { isOnline[MORTAL] = false; announced[MORTAL] = OLDEST } /* GraceWriter.removeReader() */
#endif
}

init {
  atomic {
    announced[0] = OLDEST; announced[1] = OLDEST;
    loaded[0] = OLDEST; loaded[1] = OLDEST;
    run control();
    run clearer(0);
    run vcpu(SLEEPER);
#if CLEARS == 2
    run clearer(1)
#else
    run vcpu(MORTAL)
#endif
  }
}

/* A clear ends. */
ltl progress { []<> !isUnread[0] }
