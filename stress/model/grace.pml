/*
 * Publication and grace periods, and how the control thread is woken: src/grace/writer.ts, src/grace/reader.ts,
 * src/publish/publisher.ts (docs/MEMORY-ORDER.md).
 *
 * The control thread publishes view after view and reclaims each that it replaced after its grace period. Reader 0
 * sleeps offline for as long as it likes. Reader 1 may be killed at any step, once; its slot is used again when the
 * control thread has seen its exit. With three readers it looks at them again and again; with two it sleeps.
 *
 * Only differences matter, so generations and views are ages: 0 is the newest, and whatever is newer makes it one
 * older. What is older than all that can wait for reclamation is OLDEST, however old. So nothing wraps here;
 * test/grace/interleavings.test.ts walks the wraps.
 */
#ifndef READERS
#define READERS 2
#endif
#define SLEEPER 0
#define MORTAL 1

#define RETIRED_MAX 2
#define OLDEST 2
#define NOTHING 7
#define OFFLINE 7
#define HAS_REACHED(announced, since) (announced == OFFLINE || announced <= since)
#define OLDER(age) age = (age < OLDEST -> age + 1 : age)
#if READERS == 3
#define EACH_OLDER(ages) OLDER(ages[0]); OLDER(ages[1]); OLDER(ages[2])
#else
#define EACH_OLDER(ages) OLDER(ages[0]); OLDER(ages[1])
#endif

/* Shared words. The root is the view of age 0, GENERATION is that of age 0. */
byte announced[READERS] = OFFLINE;
bool awaited[READERS];

/* The control thread: under which generations the newest retired view and the one before were retired; its sleep. */
byte since[RETIRED_MAX];
byte retired;
byte sleepsOn = READERS;
bool asleep;

/* The generation that a reader is about to announce, and the view that it may use. */
byte loaded[READERS] = NOTHING;
byte uses[READERS] = NOTHING;
bool hasExited;
bool isRemoved;

/* What was used before is forgotten with the announcement. */
#if defined(KEEPS_ITS_ROOT) || defined(ROOT_BEFORE_ANNOUNCEMENT)
#define FORGET uses[slot] = uses[slot]
#else
#define FORGET uses[slot] = NOTHING
#endif
#ifdef PLAIN_ANNOUNCEMENT
byte buffered[READERS] = NOTHING;
#define ANNOUNCE buffered[slot] == NOTHING; buffered[slot] = loaded[slot]; FORGET
#else
#define ANNOUNCE announced[slot] = loaded[slot]; FORGET
#endif
#if defined(KEEPS_ITS_ROOT)
#define LOAD_ROOT uses[slot] = (loaded[slot] == OFFLINE -> NOTHING : (uses[slot] == NOTHING -> 0 : uses[slot]))
#else
#if defined(ROOT_BEFORE_ANNOUNCEMENT)
#define LOAD_ROOT uses[slot] = (loaded[slot] == OFFLINE -> NOTHING : uses[slot])
#else
#define LOAD_ROOT uses[slot] = (loaded[slot] == OFFLINE -> NOTHING : 0)
#endif
#endif
#define MAY_REMOVE hasExited
#ifdef REMOVED_ALIVE
#undef MAY_REMOVE
#define MAY_REMOVE true
#endif
#ifdef DEAD_READER_STAYS
#undef MAY_REMOVE
#define MAY_REMOVE false
#endif
#ifdef ONLINE_IN_SLEEP
#define MAY_SLEEP true
#else
#define MAY_SLEEP announced[slot] == OFFLINE
#endif

#define STEP(step) if :: step :: slot == MORTAL && !hasExited -> goto exit fi

/* GraceReader.online() and quiescent(), which take the same steps, and offline(). */
proctype reader(byte slot) {
  bool isAwaited;
  do
  :: announced[slot] != 0 -> loaded[slot] = 0; /* load GENERATION */
#ifdef ROOT_BEFORE_ANNOUNCEMENT
     STEP(uses[slot] = 0);
#endif
announce:
#ifdef AWAITED_FIRST
     STEP(isAwaited = awaited[slot]);
#endif
     STEP(atomic { ANNOUNCE });
#if READERS == 2
#ifndef AWAITED_FIRST
     STEP(isAwaited = awaited[slot]);
#endif
     if
     :: isAwaited -> STEP(atomic { asleep = asleep && sleepsOn != slot; isAwaited = false }) /* notify */
     :: else
     fi;
#endif
     STEP(atomic { LOAD_ROOT; loaded[slot] = NOTHING })
  :: announced[slot] != OFFLINE -> loaded[slot] = OFFLINE; goto announce
  :: slot == SLEEPER && MAY_SLEEP
  :: slot == MORTAL && !hasExited -> break
  od;
exit:
  atomic { uses[slot] = NOTHING; loaded[slot] = NOTHING; hasExited = true }
}

/* Nothing is reused that a reader may use. */
inline reclaimOldest() {
  d_step {
    assert(uses[0] != retired && uses[1] != retired && uses[READERS - 1] != retired);
    retired--;
    since[retired] = 0
  }
}

inline storeRoot() {
  d_step { EACH_OLDER(uses) }
}

inline advance() {
#ifdef NO_GENERATION
  skip
#else
  d_step {
    EACH_OLDER(announced);
    EACH_OLDER(loaded);
#ifdef PLAIN_ANNOUNCEMENT
    EACH_OLDER(buffered);
#endif
    since[0] = (retired > 0 -> since[0] + 1 : 0);
    since[1] = (retired > 1 -> since[1] + 1 : 0)
  }
#endif
}

inline retire() {
  d_step { since[1] = since[0]; since[0] = 0; retired++ }
}

/* GraceWriter.poll(), as far as the oldest view: slot is a reader that may still use it; READERS if there is none. */
inline findSlowest() {
  do
  :: atomic { slot < READERS && HAS_REACHED(announced[slot], since[retired - 1]) -> slot++ }
  :: atomic { slot == READERS || !HAS_REACHED(announced[slot], since[retired - 1]) -> break }
  od
}

/* GraceWriter.readerMoves(), up to its sleep. */
inline awaitReader() {
#ifndef AWAITED_AFTER_LOOK
  awaited[slot] = true;
#endif
  seen = announced[slot];
  if
  :: HAS_REACHED(seen, since[retired - 1]) -> awaited[slot] = false
  :: else ->
     atomic {
       sleepsOn = slot;
#ifdef SLEEPS_BLINDLY
       asleep = true
#else
       asleep = (announced[slot] == seen)
#endif
     };
#ifdef AWAITED_AFTER_LOOK
     awaited[slot] = true;
#endif
  fi;
  seen = 0
}

/* Turns of the event loop: while it sleeps in waitAsync it publishes on. Nothing else runs within a turn. */
proctype control() {
  byte slot, seen;
  do
  :: retired < RETIRED_MAX -> /* Publisher.publish() */
#ifdef ADVANCE_BEFORE_ROOT
     advance(); storeRoot(); retire()
#else
#ifdef RETIRE_BEFORE_ADVANCE
     storeRoot(); retire(); advance()
#else
     storeRoot(); advance(); retire()
#endif
#endif
  :: retired > 0 && sleepsOn == READERS -> /* GraceWriter.reclaimInBackground() */
#ifdef NO_SCAN
     slot = READERS;
#else
     findSlowest();
#endif
     if
     :: slot == READERS -> reclaimOldest()
#if READERS == 2
     :: else -> awaitReader()
#else
     :: else
#endif
     fi;
     slot = 0
  :: sleepsOn != READERS && !asleep -> awaited[sleepsOn] = false; sleepsOn = READERS
#ifdef TIME_OUT_IS_DONE
  :: sleepsOn != READERS && asleep -> atomic { sleepsOn = READERS; asleep = false }; reclaimOldest()
#endif
  :: MAY_REMOVE && !isRemoved -> announced[MORTAL] = OFFLINE; /* GraceWriter.removeReader() */
     atomic {
       asleep = asleep && sleepsOn != MORTAL; /* notify */
       isRemoved = true;
       if :: hasExited -> run reader(MORTAL) :: else fi
     }
  od
}

#ifdef PLAIN_ANNOUNCEMENT
/* A store that is not atomic leaves the store buffer of its core at some later time. */
proctype storeBuffer(byte slot) {
  do
  :: atomic { buffered[slot] != NOTHING -> announced[slot] = buffered[slot]; buffered[slot] = NOTHING }
  od
}
#endif

init {
  atomic {
    run control();
    run reader(SLEEPER);
#if READERS == 3
    run reader(2);
#endif
    run reader(MORTAL);
#ifdef PLAIN_ANNOUNCEMENT
    run storeBuffer(SLEEPER);
    run storeBuffer(MORTAL)
#endif
  }
}

/* What was replaced is reclaimed: views do not wait for ever, be it one or two. */
ltl progress { []<> (retired != 1) && []<> (retired != 2) }
