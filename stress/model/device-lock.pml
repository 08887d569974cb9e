/*
 * A device lock: src/vcpu/device-lock.ts (docs/MEMORY-ORDER.md). vCPUs take it and give it back, as often as they like.
 * vCPU 0 may be killed at any step, once: inside the lock, asleep, or just woken. vCPU 1 gives up after a while asleep,
 * as the control thread does (patienceMs). The control thread breaks the lock of one whose exit it has seen.
 *
 * Atomics.notify wakes one of those who sleep; here it may be any of them.
 */
#define VCPUS 3
#define MORTAL 0
#define IMPATIENT 1

#define FREE 0
#define AWAITED 4
#define HELD_BY(slot) (slot + 1)
#define HOLDER(word) (word & 3)

byte lock;
bool asleep[VCPUS];

byte inside;
bool hasExited;
bool isBroken;

#define STEP(step) if :: step :: slot == MORTAL && !hasExited -> goto exit fi

/* One is inside at a time. With its exit a thread is so no more, for it touches nothing. */
#define ENTER inside++; assert(inside == 1)

#define WAKE_ONE \
  if \
  :: asleep[0] -> asleep[0] = false \
  :: asleep[1] -> asleep[1] = false \
  :: asleep[2] -> asleep[2] = false \
  :: !asleep[0] && !asleep[1] && !asleep[2] \
  fi

#ifdef WOKEN_TAKES_IT_UNMARKED
#define TAKEN_MARKED(slot) HELD_BY(slot)
#else
#define TAKEN_MARKED(slot) (HELD_BY(slot) | AWAITED)
#endif

proctype vcpu(byte slot) {
  byte found;
  bool isInside;
again:
  do
  :: /* DeviceLock.acquire() */
#ifdef TAKES_BY_STORE
     STEP(found = lock);
     if
     :: found == FREE -> STEP(atomic { lock = HELD_BY(slot); isInside = true; ENTER })
     :: else -> goto sleeps
     fi;
#else
     if
     :: atomic { lock == FREE -> lock = HELD_BY(slot); isInside = true; ENTER }
     :: lock != FREE -> goto sleeps
     :: slot == MORTAL && !hasExited -> goto exit
     fi;
#endif
release:
#ifdef LOOKS_BEFORE_IT_RELEASES
     STEP(found = lock);
     STEP(atomic { lock = FREE; inside--; isInside = false });
#else
     STEP(atomic { found = lock; lock = FREE; inside--; isInside = false });
#endif
     if
#ifdef RELEASES_IN_SILENCE
     :: true
#else
     :: found != HELD_BY(slot) -> STEP(atomic { WAKE_ONE })
     :: found == HELD_BY(slot)
#endif
     fi;
     found = 0
  :: slot == MORTAL && !hasExited -> break
  :: slot < VCPUS /* is busy elsewhere, for as long as it likes */
  od;
  goto exit;

sleeps: /* DeviceLock.sleepUntilTaken() */
  if
  :: atomic { lock == FREE -> lock = TAKEN_MARKED(slot); found = 0; isInside = true; ENTER }; goto release
  :: atomic { lock != FREE -> found = lock }
  :: slot == MORTAL && !hasExited -> goto exit
  fi;
#ifndef SLEEPS_UNMARKED
  if
  :: (found & AWAITED) == 0 ->
     if
     :: atomic { lock == found -> found = found | AWAITED; lock = found }
     :: atomic { lock != found -> found = 0 }; goto sleeps
     :: slot == MORTAL && !hasExited -> goto exit
     fi
  :: else
  fi;
#endif
#ifdef SLEEPS_BLINDLY
  STEP(asleep[slot] = true);
#else
  STEP(asleep[slot] = (lock == found));
#endif
  found = 0;
  if
  :: !asleep[slot] -> goto sleeps
  :: atomic { slot == IMPATIENT && asleep[slot] -> asleep[slot] = false }; goto again
  :: atomic { slot == MORTAL && !hasExited -> asleep[slot] = false }
  fi;

exit:
  atomic { inside = inside - isInside; isInside = false; found = 0; asleep[slot] = false; hasExited = true };
  isBroken;
  goto again /* another thread in the same slot */
}

/* breakDeviceLock() */
proctype control() {
  byte value;
  hasExited;
#ifndef DEAD_HOLDER_KEEPS_LOCK
  value = lock;
  do
  :: HOLDER(value) == HELD_BY(MORTAL) ->
     if
     :: atomic { lock == value -> lock = FREE }; break
     :: atomic { lock != value -> value = lock }
     fi
  :: else ->
#ifdef WAKES_ONLY_FOR_A_HOLDER
     goto done;
#endif
     break
  od;
  atomic { asleep[0] = false; asleep[1] = false; asleep[2] = false };
done:
#endif
  isBroken = true
}

init {
  atomic { run vcpu(0); run vcpu(1); run vcpu(2); run control() }
}

/* Nobody sleeps for ever while nobody is inside. */
ltl progress { []<> (inside > 0 || (!asleep[0] && !asleep[1] && !asleep[2])) }
