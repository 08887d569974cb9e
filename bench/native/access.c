/*
 * access FILE KIND READERS ROUNDS CHURN: threads that access a machine's memory through the published map, each access
 * in a read section of its own, as a vCPU of QEMU does. KIND is one of `load`, `load-walk` (no section used last),
 * `store`, and `load-tlb` (not QEMU's design: private-tlb.h). With CHURN one more thread moves a section back and forth and publishes a map built anew, so many times a
 * second, or as fast as it can if -1; call_rcu frees the map before.
 *
 * A turn is ROUNDS sweeps over the accesses by each reader at once; the answer is the mean of the nanoseconds that
 * they took, the maps published since the start, then the sum of what each reader read (of a store: of what is in
 * memory afterwards). Between turns a reader is offline, as a vCPU that waits.
 *
 * An access does what the interface promises, as the other rows do: it leaves a result, keeps to its section, and asks
 * a device only for what the device takes. QEMU does more, which is left out here: it adapts sizes and byte order to
 * the device, takes its big lock around the callback, guards a device against itself, and is not inlined.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "machine.h"
#include "private-tlb.h"
#include "turns.h"

/* Where nothing is, near the devices of the mix: the map gets no deeper for it. */
#define MOVER_HOME 0xfe200000u

enum kind { LOAD, LOAD_WALK, LOAD_TLB, STORE, KINDS };
enum { OK = 0, DECODE_ERROR = 2 };
static const char *const kind_names[KINDS] = {"load", "load-walk", "load-tlb", "store"};

struct reader {
  unsigned index;
  pthread_t thread;
  double ns;
  uint32_t sum;
  int result; /* of the access made last */
} __attribute__((aligned(64)));

static struct machine machine;
static enum kind kind;
static int rounds;
static int churn; /* maps a second; -1: as many as it can */

static struct map *published;
static unsigned long publications;
static pthread_barrier_t begin, end;
static struct reader readers[READERS_MAX];
static struct tlb tlbs[READERS_MAX];

static inline bool takes(const struct device *device, uint64_t offset, unsigned size) {
  if (!device->valid_unaligned && (offset & (size - 1)) != 0) return false;
  return size <= device->valid_max && size >= device->valid_min;
}

static inline __attribute__((always_inline)) uint32_t load32(struct reader *reader, uint64_t addr, enum kind as) {
  rcu_read_lock();
  struct map *map = rcu_dereference(published);
  const struct section *section = as == LOAD_WALK ? map_walk(map, addr) : map_find(map, reader->index, addr);
  const struct device *device = section->device;
  uint64_t offset = addr - section->start;
  uint32_t value = 0;
  reader->result = OK;
  if (section->ram != NULL && offset <= section->size - 4) value = *(uint32_t *)(section->ram + offset);
  else if (takes(device, offset, 4)) value = (uint32_t)device->read(device->opaque, offset, 4);
  else reader->result = DECODE_ERROR;
  rcu_read_unlock();
  return value;
}

static inline __attribute__((always_inline)) void store32(struct reader *reader, uint64_t addr, uint32_t value) {
  rcu_read_lock();
  const struct section *section = map_find(rcu_dereference(published), reader->index, addr);
  const struct device *device = section->device;
  uint64_t offset = addr - section->start;
  reader->result = OK;
  if (section->ram_store != NULL && offset <= section->size - 4) *(uint32_t *)(section->ram_store + offset) = value;
  else if (takes(device, offset, 4)) device->write(device->opaque, offset, value, 4);
  else reader->result = DECODE_ERROR;
  rcu_read_unlock();
}

/* No read section: between two quiescent states the reader keeps to the map that it took in the first. */
static inline __attribute__((always_inline)) uint32_t load32_tlb(struct reader *reader, uint64_t addr) {
  const struct section *section = NULL;
  uint32_t *ram = tlb_ram32(&tlbs[reader->index], addr, &section);
  reader->result = OK;
  if (ram != NULL) return *ram;
  const struct device *device = section->device;
  if (takes(device, addr - section->start, 4)) {
    return (uint32_t)device->read(device->opaque, addr - section->start, 4);
  }
  reader->result = DECODE_ERROR;
  return 0;
}

/* `as` is a constant in each call: four loops, none with a test for its kind. */
static inline __attribute__((always_inline)) uint32_t sweep(struct reader *reader, enum kind as) {
  const uint64_t *accesses = machine.accesses;
  uint32_t count = machine.access_count;
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count;) {
    uint32_t stop = i + CHECKPOINT_ACCESSES < count ? i + CHECKPOINT_ACCESSES : count;
    if (as == LOAD_TLB) tlb_refresh(&tlbs[reader->index], rcu_dereference(published));
    for (; i < stop; i++) {
      if (as == LOAD_TLB) sum += load32_tlb(reader, accesses[i]);
      else if (as == STORE) store32(reader, accesses[i], i);
      else sum += load32(reader, accesses[i], as);
    }
    rcu_quiescent_state();
  }
  return sum;
}

static uint32_t sum_in_memory(struct reader *reader) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < machine.access_count; i++) sum += load32(reader, machine.accesses[i], LOAD);
  return sum;
}

static void make_turn(struct reader *reader) {
  reader->ns = 0;
  for (int round = 0; round < rounds; round++) {
    double start = now_ns();
    if (kind == LOAD) reader->sum = sweep(reader, LOAD);
    else if (kind == LOAD_WALK) reader->sum = sweep(reader, LOAD_WALK);
    else if (kind == LOAD_TLB) reader->sum = sweep(reader, LOAD_TLB);
    else sweep(reader, STORE);
    reader->ns += now_ns() - start;
  }
  if (kind == STORE) reader->sum = sum_in_memory(reader);
}

static void *reader_main(void *argument) {
  rcu_register_thread();
  for (;;) {
    rcu_thread_offline();
    pthread_barrier_wait(&begin);
    rcu_thread_online();
    make_turn(argument);
    rcu_thread_offline();
    pthread_barrier_wait(&end);
  }
  return NULL;
}

static void map_free_later(struct rcu_head *head) { map_free(caa_container_of(head, struct map, rcu)); }

/* The section that moves is the last of the list, and no access goes to it. */
static void publish(struct section *sections, uint32_t count) {
  struct section *mover = &sections[count - 1];
  mover->start = mover->start == MOVER_HOME ? MOVER_HOME + mover->size : MOVER_HOME;
  struct map *old = rcu_xchg_pointer(&published, map_build(sections, count));
  if (old != NULL) call_rcu(&old->rcu, map_free_later);
  uatomic_inc(&publications);
}

static void sleep_until(double ns) {
  struct timespec time = {.tv_sec = (time_t)(ns / 1e9)};
  time.tv_nsec = (long)(ns - (double)time.tv_sec * 1e9);
  rcu_thread_offline();
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
  rcu_thread_online();
}

static void *churn_main(void *argument) {
  (void)argument;
  uint32_t count = machine.section_count + 1;
  struct section *sections = aligned_alloc(64, count * sizeof(struct section));
  memcpy(sections, machine.sections, machine.section_count * sizeof(struct section));
  sections[count - 1] = (struct section){.start = MOVER_HOME, .size = 0x4000};
  prctl(PR_SET_TIMERSLACK, 1ul); /* ns */
  rcu_register_thread();
  for (double due = now_ns();;) {
    publish(sections, count);
    rcu_quiescent_state();
    if (churn < 0) continue;
    due += 1e9 / churn;
    if (due > now_ns()) sleep_until(due);
  }
  return NULL;
}

/* Arguments as above. */
static void start(char **arguments, unsigned reader_count) {
  machine = machine_read(arguments[1]);
  while (kind < KINDS && strcmp(arguments[2], kind_names[kind]) != 0) kind++;
  rounds = atoi(arguments[4]);
  churn = atoi(arguments[5]);
  if (kind == KINDS || reader_count < 1 || reader_count > READERS_MAX) exit(2);
  published = map_build(machine.sections, machine.section_count);
  pthread_barrier_init(&begin, NULL, reader_count + 1);
  pthread_barrier_init(&end, NULL, reader_count + 1);
  for (unsigned i = 0; i < reader_count; i++) {
    readers[i].index = i;
    pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]);
  }
  pthread_t writer;
  if (churn != 0) pthread_create(&writer, NULL, churn_main, NULL);
}

int main(int count, char **arguments) {
  if (count != 6) return 2;
  unsigned reader_count = (unsigned)atoi(arguments[3]);
  start(arguments, reader_count);
  while (turn_asked()) {
    pthread_barrier_wait(&begin);
    pthread_barrier_wait(&end);
    double ns = 0;
    for (unsigned i = 0; i < reader_count; i++) ns += readers[i].ns / reader_count;
    printf("%.0f %lu", ns, uatomic_read(&publications));
    for (unsigned i = 0; i < reader_count; i++) printf(" %d", (int32_t)readers[i].sum);
    putchar('\n');
  }
  return 0;
}
