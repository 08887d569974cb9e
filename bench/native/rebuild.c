/*
 * rebuild FILE ROUNDS: at each turn moves the section in the middle by its size and back, and each time builds the
 * whole map anew, publishes it and frees the one before, at once, since nobody reads. This is a part of what QEMU does
 * for a commit: no tree of regions is rendered, no listener called, no grace period awaited.
 *
 * Answer to a turn: nanoseconds for all rounds, then how many of the sections the last map finds at both ends.
 */
#include <malloc.h>
#include <stdlib.h>

#include "machine.h"
#include "turns.h"

static struct map *published;

int main(int count, char **arguments) {
  if (count != 3) return 2;
  /* Memory of the map before serves the next one; pages of it are not given back in between. */
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  struct machine machine = machine_read(arguments[1]);
  int rounds = atoi(arguments[2]);
  struct section *middle = &machine.sections[machine.section_count / 2];
  uint64_t home = middle->start;
  while (turn_asked()) {
    double start = now_ns();
    for (int round = 0; round < rounds; round++) {
      middle->start = middle->start == home ? home + middle->size : home;
      struct map *old = rcu_xchg_pointer(&published, map_build(machine.sections, machine.section_count));
      if (old != NULL) map_free(old);
    }
    double ns = now_ns() - start;
    uint32_t found = 0;
    for (uint32_t i = 0; i < machine.section_count; i++) {
      struct section section = machine.sections[i];
      const struct section *expected = &published->sections[i + 1];
      found += map_walk(published, section.start) == expected &&
               map_walk(published, section.start + section.size - 1) == expected;
    }
    printf("%.0f %u\n", ns, found);
  }
  return 0;
}
