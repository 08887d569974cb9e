/*
 * The flavour of liburcu that this build uses, chosen by -DFLAVOUR_QSBR, -DFLAVOUR_MEMB or -DFLAVOUR_MB.
 *
 *   flavour   a reader pays per access (rcu_read_lock and rcu_read_unlock)    and besides
 *   qsbr      nothing: both are empty                                          a quiescent state every CHECKPOINT_ACCESSES
 *   memb      two stores to its own counter and compiler barriers; a call of   nothing
 *             membarrier(2) by the writer stands in for the reader's fences
 *   mb        the same stores, each with a full fence                          nothing
 *
 * QEMU's own RCU is of the memb kind where the system offers membarrier, else of the mb kind.
 * All of it is inlined, as the library offers to programs whose licence goes with the LGPL.
 */
#ifndef FLAVOUR_H
#define FLAVOUR_H

#define _LGPL_SOURCE

#if defined(FLAVOUR_QSBR)
#include <urcu-qsbr.h>
#elif defined(FLAVOUR_MEMB)
#define RCU_MEMBARRIER
#include <urcu.h>
#elif defined(FLAVOUR_MB)
#define RCU_MB
#include <urcu.h>
#else
#error "give one of FLAVOUR_QSBR, FLAVOUR_MEMB, FLAVOUR_MB"
#endif

/* As many accesses as a vCPU of the other rows makes between two checkpoints. */
#define CHECKPOINT_ACCESSES 1024

#endif
