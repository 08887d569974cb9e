/* Each byte on standard input asks for one turn; the program answers with a line. The end of input ends it. */
#ifndef TURNS_H
#define TURNS_H

#include <stdio.h>
#include <time.h>

static inline int turn_asked(void) {
  fflush(stdout);
  return getchar() != EOF;
}

static inline double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

#endif
