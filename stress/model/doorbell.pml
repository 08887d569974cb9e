/*
 * A doorbell, as an ioeventfd rings it: src/mailbox/doorbell.ts (docs/MEMORY-ORDER.md). Two threads ring, as often as
 * they like. One waits for rings for ever, one waits and gives up after a time or takes without waiting, now and then.
 *
 * At most RINGS_MAX rings are outstanding, so that the count does not wrap.
 */
#define RINGS_MAX 2
#define AWAITED 1
#define STEP_OF_RING 2
#define COUNT(word) (word >> 1)

byte rings; /* DOORBELL_RINGS */
bool asleep[2]; /* the one that waits for ever, the one that does not */

byte outstanding; /* rings that nobody has taken; only this model knows */

#define WAKE_ALL atomic { asleep[0] = false; asleep[1] = false }

/* Each ring is taken once. */
#define TAKEN(found) assert(COUNT(found) == outstanding); outstanding = 0

/* Doorbell.ring() */
active [2] proctype ringer() {
  byte before;
  do
#ifdef LOOKS_BEFORE_IT_RINGS
  :: before = rings;
     atomic { outstanding < RINGS_MAX -> rings = rings + STEP_OF_RING; outstanding++ };
#else
#ifdef RINGS_BY_LOAD_AND_STORE
  :: atomic { outstanding < RINGS_MAX -> before = rings };
     atomic { rings = before + STEP_OF_RING; outstanding++ };
#else
  :: atomic { outstanding < RINGS_MAX -> before = rings; rings = rings + STEP_OF_RING; outstanding++ };
#endif
#endif
#ifndef RINGS_IN_SILENCE
     if
     :: (before & AWAITED) != 0 -> WAKE_ALL
     :: else
     fi;
#endif
     before = 0
  :: outstanding <= RINGS_MAX /* rings no more, for as long as it likes */
  od
}

/* Doorbell.take(); count says how many. */
inline take() {
  if
  :: atomic { COUNT(rings) == 0 -> count = 0 }
  :: COUNT(rings) != 0 ->
#ifdef TAKES_BY_LOAD_AND_STORE
     found = rings;
     atomic { rings = 0; TAKEN(found); count = COUNT(found) };
#else
     atomic { found = rings; rings = 0; TAKEN(found); count = COUNT(found) };
#endif
     if
#ifdef TAKES_A_MARK_IN_SILENCE
     :: true
#else
     :: (found & AWAITED) != 0 -> WAKE_ALL
     :: (found & AWAITED) == 0
#endif
     fi;
     found = 0
  fi
}

/* Doorbell.takeOrMark() */
inline takeOrMark() {
  count = 0;
  do
#ifdef SLEEPS_UNMARKED
  :: atomic { rings == 0 -> break }
#else
  :: atomic { rings == 0 -> rings = AWAITED; break }
#endif
  :: atomic { rings != 0 && COUNT(rings) == 0 -> break }
  :: COUNT(rings) != 0 -> take();
     if
     :: count != 0 -> break
     :: else
     fi
  od
}

/* Doorbell.wait() and next() */
active proctype waiter() {
  byte count, found;
  do
  :: takeOrMark();
     if
     :: count == 0 ->
#ifdef SLEEPS_BLINDLY
        asleep[0] = true;
#else
#ifdef SLEEPS_UNMARKED
        atomic { asleep[0] = (rings == 0) };
#else
        atomic { asleep[0] = (rings == AWAITED) };
#endif
#endif
        !asleep[0]
     :: else -> count = 0
     fi
  od
}

/* Doorbell.wait() with a time-out, next() with a signal; and take() */
active proctype visitor() {
  byte count, found;
  do
  :: takeOrMark();
     if
     :: count == 0 ->
        atomic { asleep[1] = (rings == AWAITED) };
        if
        :: !asleep[1]
        :: asleep[1] = false
        fi
     :: else -> count = 0
     fi
  :: take();
     count = 0
  :: count == 0 /* does something else, for as long as it likes */
  od
}

/* What was rung is taken. */
ltl progress { []<> (outstanding == 0) }
