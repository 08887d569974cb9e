#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAM, REGISTERS };

/* A device of plain registers, as devices/register-file.ts: of 4 aligned bytes, or of 1. */
static uint64_t read_register(void *opaque, uint64_t offset, unsigned size) {
  if (size == 4) return ((uint32_t *)opaque)[offset >> 2];
  return ((uint8_t *)opaque)[offset];
}

static void write_register(void *opaque, uint64_t offset, uint64_t value, unsigned size) {
  if (size == 4) ((uint32_t *)opaque)[offset >> 2] = (uint32_t)value;
  else ((uint8_t *)opaque)[offset] = (uint8_t)value;
}

static const struct device *register_device(void *registers) {
  struct device *device = malloc(sizeof(struct device));
  *device = (struct device){read_register, write_register, registers, .valid_min = 1, .valid_max = 4};
  return device;
}

static void *whole_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
    size_t size = (size_t)ftell(file);
    void *bytes = malloc(size);
    rewind(file);
    if (bytes != NULL && fread(bytes, 1, size, file) == size) {
      fclose(file);
      return bytes;
    }
  }
  perror(path);
  exit(1);
}

struct machine machine_read(const char *path) {
  const uint64_t *at = whole_file(path);
  struct machine machine = {.section_count = (uint32_t)at[0], .access_count = (uint32_t)at[1]};
  const uint64_t *described = at + 3;
  machine.accesses = described + 4 * machine.section_count;
  const uint32_t *words = (const uint32_t *)(machine.accesses + machine.access_count);
  machine.sections = aligned_alloc(64, machine.section_count * sizeof(struct section));
  for (uint32_t i = 0; i < machine.section_count; i++, described += 4) {
    struct section section = {.start = described[0], .size = described[1]};
    /* Without words there is nothing to read: the rows that only build maps. */
    void *content = at[2] == 0 ? NULL : aligned_alloc(4096, section.size);
    if (content != NULL) memcpy(content, words + described[3], section.size);
    if (described[2] == RAM) {
      section.ram = section.ram_store = content;
      section.device = &unassigned_device;
    } else {
      section.device = register_device(content);
    }
    machine.sections[i] = section;
  }
  return machine;
}
