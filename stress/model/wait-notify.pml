/*
 * Atomics.wait, waitAsync and notify. Comparing and falling asleep are one step, as under the lock that notify takes.
 * Where a protocol must do without time-outs there are none, so that a wake-up which is lost shows as a sleep that
 * does not end.
 *
 *   SLEEP_WHILE(word == expected, asleep)   goes on once it is awake
 *   asleep = false                          notify
 */
#define FALL_ASLEEP(unchanged, asleep) atomic { if :: (unchanged) -> asleep = true :: else fi }
#define SLEEP_WHILE(unchanged, asleep) FALL_ASLEEP(unchanged, asleep); !asleep
