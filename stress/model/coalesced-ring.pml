/*
 * The ring of coalesced writes of a device: src/mailbox/coalesced-ring.ts, src/service/coalescing.ts
 * (docs/MEMORY-ORDER.md). vCPUs queue writes as often as they like, and write directly where the ring does not take
 * them. They also look whether the ring is empty, as who may access the device itself. With two of them the device's
 * home never sleeps; with one it sleeps on its bell, which is rung for what was queued.
 *
 * The last vCPU may be killed at any step; the control thread then frees the ring that it held. The replayer may be
 * killed in a replay, once, and another goes on. The control thread may close the ring at any time.
 *
 * Entries are counted modulo NUMBERS, which is more than the ring has room for. What is queued is the vCPU's number,
 * and what was read is wiped out, so that writes that are mixed up, lost, or replayed twice show.
 */
#ifndef VCPUS
#define VCPUS 1
#endif
#define MORTAL (VCPUS - 1)

#define ROOM 2
#define NUMBERS 4
#define SINCE(count, earlier) ((count - earlier + NUMBERS) % NUMBERS)
#define NEXT(count) ((count + 1) % NUMBERS)
#define WIPED 7

/* RING_STATE: the count, who queues, whether it is closed. */
#define HOLDER(slot) (4 * (slot + 1))
#define CLOSED 16
#define COUNT(state) (state & 3)
#define WITHOUT_HOLDER(state) (state & (CLOSED | 3))
#define IS_OPEN_AND_FREE(state) (state < HOLDER(0))
#define IS_HELD_BY(state, slot) ((state & 12) == HOLDER(slot))

byte state;
byte headSeen; /* plain, as the next: of who holds the ring */
byte entries[ROOM] = WIPED;
byte taken; /* plain: of who replays */
byte head;
bool wants[VCPUS]; /* the mailboxes: an access that the host has to serve */
bool bell;
bool hostSaysItSleeps;
bool hostSleeps;

/* What only this model knows: what was counted and not begun to be replayed, in order; how many of each vCPU were not done. */
chan queued = [ROOM + 1] of { byte };
byte undone[VCPUS];
byte begun; /* how often the device was called, modulo NUMBERS */
bool wasClosed;
bool vcpuDied;
bool vcpuIsRemoved;
bool replayerDied;

#define STEP(step) if :: step :: slot == MORTAL && !vcpuDied -> goto exit fi

/* MailboxRequester.ring() */
inline ringTheHost() {
#if VCPUS == 1
  STEP(bell = true);
  STEP(isAsleep = hostSaysItSleeps);
  if
  :: isAsleep -> STEP(atomic { hostSleeps = false; isAsleep = false })
  :: else
  fi
#else
  skip
#endif
}

#ifdef GIVES_BACK_BY_STORE
#define GIVE_BACK(after) state = after
#else
#define GIVE_BACK(after) state = state - HOLDER(slot) - COUNT(state) + after
#endif
#define COUNT_IT atomic { GIVE_BACK(NEXT(count)); assert(nfull(queued)); queued!slot; undone[slot]++ }

proctype vcpu(byte slot) {
  byte count;
  bool isAsleep;
again:
  do
  :: /* CoalescedRing.queue() */
     if
#ifdef HOLDS_BY_LOAD_AND_STORE
     :: atomic { IS_OPEN_AND_FREE(state) -> count = state }; state = count + HOLDER(slot)
#else
     :: atomic { IS_OPEN_AND_FREE(state) -> count = state; state = count + HOLDER(slot) }
#endif
     :: !IS_OPEN_AND_FREE(state) -> goto direct
     :: slot == MORTAL && !vcpuDied -> goto exit
     fi;
     assert(!wasClosed || state >= CLOSED);
#ifndef WRITES_WITHOUT_ROOM
     if
     :: SINCE(count, headSeen) < ROOM
     :: else ->
        STEP(headSeen = head);
        if
        :: SINCE(count, headSeen) < ROOM
        :: else -> STEP(atomic { GIVE_BACK(count) }); goto direct
        fi
     fi;
#endif
#ifdef COUNTS_BEFORE_IT_WRITES
     STEP(COUNT_IT);
     STEP(entries[count % ROOM] = slot);
     ringTheHost();
#else
     STEP(entries[count % ROOM] = slot);
#ifdef RINGS_BEFORE_IT_COUNTS
     ringTheHost();
     STEP(COUNT_IT);
#else
     STEP(COUNT_IT);
     ringTheHost();
#endif
#endif
     count = 0
  :: count = head; /* CoalescedRing.isEmpty */
     if
     :: atomic { COUNT(state) == count -> assert(undone[slot] == 0) }
     :: COUNT(state) != count
     fi;
     count = 0
  :: slot < VCPUS /* does something else, for as long as it likes */
  :: slot == MORTAL && !vcpuDied -> break
  od;
exit:
  atomic { count = 0; isAsleep = false; vcpuDied = true };
  goto gone;

direct: /* an access of its own, which keeps its place after what was queued */
  count = 0;
  STEP(wants[slot] = true);
  ringTheHost();
  if
  :: !wants[slot] -> goto again
  :: slot == MORTAL && !vcpuDied -> goto exit
  fi;
gone:
  skip
}

#define MAY_DIE :: !replayerDied -> replayerDied = true; goto died

inline callDevice() {
  atomic {
    assert(nempty(queued));
    queued?expected;
    assert(value == expected); /* each once, whole, and in the order in which they were counted */
    undone[expected]--;
    begun = NEXT(begun);
    expected = 0; value = 0
  }
}

/* CoalescedRing.replayAll() */
inline replayAll() {
  n = taken;
  if
  :: n != head -> head = n
  :: else
  fi;
  atomic { left = SINCE(COUNT(state), n) };
  do
  :: left > 0 ->
#ifndef TAKES_AFTER_THE_REPLAY
     taken = NEXT(n);
#endif
#ifdef STORES_HEAD_FIRST
     head = NEXT(n);
#endif
     atomic { value = entries[n % ROOM]; entries[n % ROOM] = WIPED };
#ifdef STORES_HEAD_BEFORE_THE_REPLAY
     head = NEXT(n);
#endif
     if :: callDevice() MAY_DIE fi;
#ifdef TAKES_AFTER_THE_REPLAY
     if :: taken = NEXT(n) MAY_DIE fi;
#endif
     atomic { n = NEXT(n); left-- };
     if
     :: head = n MAY_DIE
     :: left > 0 /* after some, and the last */
     fi
  :: else -> break
  od;
  n = 0
}

/* DeviceHostThread, or who holds the lock of a local device: accesses are served after what was queued. */
inline serve(slot) {
  if
  :: wants[slot] ->
#ifndef SERVES_BEFORE_IT_REPLAYS
     replayAll();
#endif
     atomic { assert(undone[slot] == 0 || !wants[slot]); wants[slot] = false }
  :: else
  fi
}

active proctype home() {
  byte n, left, value, expected;
again:
  do
#if VCPUS == 1
  :: replayAll();
     do
     :: bell -> bell = false; serve(0); replayAll()
     :: !bell -> break
     od;
     hostSaysItSleeps = true;
     atomic { hostSleeps = !bell };
     !hostSleeps;
     hostSaysItSleeps = false
#else
  :: COUNT(state) != taken -> replayAll()
  :: wants[0] -> serve(0)
  :: wants[1] -> serve(1)
#endif
  od;
died: /* seen by the control thread; what was begun is not done again, and who comes next looks at everything */
  atomic {
    bell = true;
    n = 0; left = 0; value = 0;
    if
    :: SINCE(taken, begun) == 1 -> queued?expected; undone[expected]--; begun = taken; expected = 0
    :: else
    fi
  };
  goto again
}

active proctype control() {
  do
  :: vcpuDied && !vcpuIsRemoved ->
     if
     :: IS_HELD_BY(state, MORTAL) -> state = WITHOUT_HOLDER(state)
     :: else
     fi;
#ifndef DEAD_QUEUER_RINGS_NOBODY
     bell = true; /* for a vCPU that had no time to */
     hostSleeps = false;
#endif
     vcpuIsRemoved = true
  :: atomic { !wasClosed -> wasClosed = true; state = state | CLOSED }
  od
}

init {
  atomic {
    run vcpu(0);
#if VCPUS == 2
    run vcpu(1)
#endif
  }
}

/* What was queued is replayed: by the symmetry of the numbers it suffices to look at one of them. */
ltl progress { []<> (begun != 0 || undone[0] == 0) }
