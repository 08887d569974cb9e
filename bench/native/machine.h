/*
 * The machine and the accesses that a row asks for, in the file that input.ts writes. Numbers of 8 bytes but for the words:
 *
 *   section count, access count, word count
 *   for each section: start, size, kind (0: RAM, 1: a file of registers), index of its first word
 *   for each access: its address
 *   the words: what the sections hold, 4 bytes each
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "radix-map.h"

struct machine {
  uint32_t section_count;
  uint32_t access_count;
  struct section *sections;
  const uint64_t *accesses;
};

/* Ends the process with a line where the file cannot be read. */
struct machine machine_read(const char *path);

#endif
