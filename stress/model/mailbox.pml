/*
 * A mailbox, the bell of device hosts, and their sleep: src/mailbox/requester.ts, src/mailbox/responder.ts
 * (docs/MEMORY-ORDER.md). A requester asks two hosts in turns, for ever. Host 1 may be killed at any step. The requester
 * may be killed, too, once; its slot is used again when nobody can answer its request any more. With GIVES_UP it is the
 * control thread instead, which does not wait for ever (patienceMs): it gives up once, and asks on when it may.
 *
 * The one time-out that the protocol rests on is here: who waits for a host that died in a moment at which it did not
 * look wakes up and looks again.
 */
#define HOSTS 2
#define MORTAL_HOST 1

#define IDLE 0
#define ANSWERED 1
#define REQUESTED(host) (2 + host)
#define AWAITED 8
#define IS_REQUEST(word) ((word & 7) >= 2)
#define HOST_OF(word) ((word & 7) - 2)

byte state; /* MAILBOX_STATE */
bool device; /* plain: the requester's half */
bool answer; /* plain: the host's half */
bool bell[HOSTS]; /* DEVICE_HOST_DOORBELL: the requester's bit */
bool saysItSleeps[HOSTS]; /* DEVICE_HOST_ASLEEP */
bool isAlive[HOSTS] = true; /* DEVICE_HOST_ALIVE */
bool requesterSleeps;
bool hostSleeps[HOSTS];

/* What only this model knows: of the request that is made. */
byte served;
bool isAnswered;
bool hasSucceeded;
bool requesterDied;
bool requesterIsRemoved;
bool hostDied;
bool hasGivenUp;

#ifdef GIVES_UP
#define STEP(step) step
#define MAY_DIE false
#else
#define STEP(step) if :: step :: MAY_DIE -> goto exit fi
#define MAY_DIE !requesterDied
#endif

/* MailboxRequester.ring() */
inline ring(host) {
#ifdef LOOKS_BEFORE_IT_RINGS
  STEP(hostSlept = saysItSleeps[host]);
  STEP(bell[host] = true);
#else
  STEP(bell[host] = true);
  STEP(hostSlept = saysItSleeps[host]);
#endif
  if
  :: hostSlept -> STEP(hostSleeps[host] = false)
  :: else
  fi
}

#define TAKE assert(served == 1 && answer == device); state = IDLE; hasSucceeded = true; isAnswered = false
/* No answer is thrown away. */
#define TAKE_BACK assert(!isAnswered); state = IDLE

proctype requester() {
  byte host, asked;
  bool hostSlept, wasAlive, isAbandoned;
next:
  atomic { hostSlept = false; wasAlive = false; asked = 0; host = 1 - host };
  if
  :: !isAlive[host] -> goto next
  :: isAlive[host]
  :: MAY_DIE -> goto exit
  fi;
#ifdef GIVES_UP
  if
  :: isAbandoned -> /* MailboxRequester.isFreeAgain() */
     if
     :: !IS_REQUEST(state)
#ifdef OVERWRITES_WHAT_IT_GAVE_UP
     :: IS_REQUEST(state)
#else
     :: atomic { IS_REQUEST(state) -> asked = HOST_OF(state) };
#ifndef KEPT_FOR_THE_DEAD
        if
        :: !isAlive[asked]
        :: isAlive[asked] -> goto next
        fi
#else
        goto next
#endif
#endif
     fi;
     isAbandoned = false
  :: else
  fi;
#endif
#ifdef RINGS_BEFORE_IT_REQUESTS
  ring(host);
#endif
#ifdef REQUESTS_BEFORE_IT_WRITES
  STEP(atomic { state = REQUESTED(host); served = 0; isAnswered = false; hasSucceeded = false });
  STEP(device = !device);
#else
  STEP(device = !device);
  STEP(atomic { state = REQUESTED(host); served = 0; isAnswered = false; hasSucceeded = false });
#endif
#ifndef RINGS_BEFORE_IT_REQUESTS
  ring(host);
#endif
  if /* spins, where the host was awake */
  :: atomic { !hostSlept && state == ANSWERED -> TAKE }; goto next
  :: skip
  fi;

  do /* MailboxRequester.sleepUntilAnswered() */
  ::
#ifdef LOOKS_AT_STATE_BEFORE_ALIVE
     if
     :: atomic { state == ANSWERED -> TAKE }; goto next
     :: state != ANSWERED
     :: MAY_DIE -> goto exit
     fi;
     STEP(wasAlive = isAlive[host]);
     if
     :: atomic { !wasAlive -> TAKE_BACK }; goto next
     :: wasAlive
     fi;
#else
     STEP(wasAlive = isAlive[host]);
     if
     :: atomic { state == ANSWERED -> TAKE }; goto next
     :: atomic { state != ANSWERED && !wasAlive -> assert(!isAnswered) }; STEP(state = IDLE); goto next
     :: state != ANSWERED && wasAlive
     :: MAY_DIE -> goto exit
     fi;
#endif
#ifdef GIVES_UP
     if
     :: atomic { !hasGivenUp -> hasGivenUp = true; isAbandoned = true }; goto next
     :: skip
     fi;
#endif
#ifndef SLEEPS_UNMARKED
     STEP(atomic { state = (state == REQUESTED(host) -> REQUESTED(host) | AWAITED : state) });
#endif
#ifdef SLEEPS_BLINDLY
     STEP(requesterSleeps = true);
#else
#ifdef SLEEPS_UNMARKED
     STEP(requesterSleeps = (state == REQUESTED(host)));
#else
     STEP(requesterSleeps = (state == (REQUESTED(host) | AWAITED)));
#endif
#endif
     if
     :: !requesterSleeps
     :: atomic { requesterSleeps && !isAlive[host] -> requesterSleeps = false }
     :: MAY_DIE -> goto exit
     fi
  od;

exit:
  atomic { requesterSleeps = false; hostSlept = false; wasAlive = false; requesterDied = true };
#ifdef REUSES_THE_SLOT_AT_ONCE
  requesterIsRemoved;
#else
  requesterIsRemoved && (!IS_REQUEST(state) || !isAlive[HOST_OF(state)]); /* VcpuSet.mailboxIsQuiet() */
#endif
  atomic { state = IDLE; isAnswered = false };
  goto next
}

#define HOST_STEP(step) if :: step :: host == MORTAL_HOST && !hostDied -> goto exit fi

proctype responder(byte host) {
  bool seen, isAwaited;
  do
  :: /* MailboxResponder.sleep() */
#ifdef SAYS_LATER_THAT_IT_SLEEPS
     HOST_STEP(hostSleeps[host] = !bell[host]);
     HOST_STEP(saysItSleeps[host] = true);
#else
     HOST_STEP(saysItSleeps[host] = true);
#ifdef SLEEPS_WITHOUT_A_LOOK
     HOST_STEP(hostSleeps[host] = true);
#else
     HOST_STEP(hostSleeps[host] = !bell[host]);
#endif
#endif
     if
     :: !hostSleeps[host]
     :: host == MORTAL_HOST && !hostDied -> goto exit
     fi;
     HOST_STEP(saysItSleeps[host] = false);
     do /* MailboxResponder.takeBells() and serveSlot() */
     :: bell[host] ->
#ifndef CLEARS_THE_BELL_AFTER_SERVING
        HOST_STEP(bell[host] = false);
#endif
        if
        :: IS_REQUEST(state) && HOST_OF(state) == host ->
           HOST_STEP(seen = device);
           HOST_STEP(atomic { answer = seen; served++; assert(served <= 1) });
           HOST_STEP(atomic { isAwaited = (state & AWAITED) != 0; state = ANSWERED; isAnswered = true });
           if
           :: isAwaited -> HOST_STEP(requesterSleeps = false)
           :: else
           fi;
           atomic { seen = false; isAwaited = false }
        :: !IS_REQUEST(state) || HOST_OF(state) != host
        :: host == MORTAL_HOST && !hostDied -> goto exit
        fi;
#ifdef CLEARS_THE_BELL_AFTER_SERVING
        bell[host] = false;
#endif
     :: !bell[host] -> break
     od
  od;
exit:
  atomic { hostSleeps[host] = false; hostDied = true }
}

proctype control() {
  do
#ifdef DECLARES_BEFORE_THE_EXIT
  :: isAlive[MORTAL_HOST] ->
#else
  :: hostDied && isAlive[MORTAL_HOST] ->
#endif
     isAlive[MORTAL_HOST] = false; /* DeviceHosts.declareDead() */
     requesterSleeps = false
  :: requesterDied && !requesterIsRemoved -> /* VcpuSet.release() */
#ifndef RINGS_NOT_FOR_THE_DEAD
     if
     :: atomic { IS_REQUEST(state) -> bell[HOST_OF(state)] = true; hostSleeps[HOST_OF(state)] = false }
     :: !IS_REQUEST(state)
     fi;
#endif
     requesterIsRemoved = true
  od
}

init {
  atomic { run control(); run responder(0); run responder(1); run requester() }
}

/* Accesses end: those to the host that lives, well. */
ltl progress { []<> hasSucceeded && []<> !hasSucceeded }
