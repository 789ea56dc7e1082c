// What the C programs of the benchmark share: options, clocks, scheduling, and the window that every receiver and
// sender measures in. The same window is in peers/go/window.go and in children/window.ts: change all three together.
//
//     ready ── first packet ──► warm-up ──► measure ──► go on until nothing has come for a while ──► one line of JSON
#ifndef BENCH_H
#define BENCH_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MAX_FRAME (65536 + 64)
/** How often the clock is looked at, in packets. */
#define TICK_PACKETS 64
/** No packet for so long after the window: the generator has ended. */
#define QUIET_MS 100
/** Longest wait for the first packet, and for the end of a window that gets no more packets. */
#define PATIENCE_MS 3000

static inline const char *option(int argc, char **argv, const char *name, const char *fallback) {
  for (int i = 1; i + 1 < argc; i++)
    if (strcmp(argv[i], name) == 0) return argv[i + 1];
  return fallback;
}

static inline long number(int argc, char **argv, const char *name, long fallback) {
  const char *text = option(argc, argv, name, NULL);
  return text == NULL ? fallback : strtol(text, NULL, 10);
}

static inline void fail(const char *what) {
  perror(what);
  exit(1);
}

static inline int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static inline int64_t nanoseconds(struct timeval t) { return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL; }

/** Bytes of a hexadecimal text into `out`; how many. */
static inline size_t from_hex(const char *text, uint8_t *out) {
  size_t count = 0;
  for (unsigned byte; sscanf(text, "%2x", &byte) == 1; text += 2) out[count++] = (uint8_t)byte;
  return count;
}

static inline void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

/** Real-time priority; 0 where it is not allowed. */
static inline int become_realtime(void) {
  struct sched_param p = {.sched_priority = 10};
  return sched_setscheduler(0, SCHED_FIFO, &p) == 0;
}

struct window {
  int64_t warm_ns, measure_ns;
  int64_t started, ended; // 0: not yet
  int64_t first;          // time of the first packet
  uint64_t packets, bytes, calls; // since the first packet
  uint64_t packets0, bytes0, calls0, packets1, bytes1, calls1;
  struct rusage usage0, usage1;
};

static inline void window_init(struct window *w, int argc, char **argv) {
  memset(w, 0, sizeof *w);
  w->warm_ns = number(argc, argv, "--warm-ms", 100) * 1000000LL;
  w->measure_ns = number(argc, argv, "--measure-ms", 250) * 1000000LL;
}

/** Everything is set up: packets may come. */
static inline void say_ready(void) {
  printf("{\"ready\":true}\n");
  fflush(stdout);
}

/** Looks at the clock: to be called every TICK_PACKETS packets and after each wait. */
static inline void window_tick(struct window *w) {
  if (w->ended || w->packets == 0) return;
  int64_t now = now_ns();
  if (w->first == 0) w->first = now;
  if (w->started == 0) {
    if (now - w->first < w->warm_ns) return;
    w->started = now;
    w->packets0 = w->packets, w->bytes0 = w->bytes, w->calls0 = w->calls;
    getrusage(RUSAGE_SELF, &w->usage0);
  } else if (now - w->started >= w->measure_ns) {
    getrusage(RUSAGE_SELF, &w->usage1);
    w->ended = now;
    w->packets1 = w->packets, w->bytes1 = w->bytes, w->calls1 = w->calls;
  }
}

/** Counts one packet; the byte read stands for a dispatcher that looks at its header. */
static inline void window_count(struct window *w, const uint8_t *frame, size_t bytes) {
  *(volatile const uint8_t *)&frame[12];
  w->bytes += bytes;
  if ((++w->packets & (TICK_PACKETS - 1)) == 0) window_tick(w);
}

static inline void window_print(const struct window *w) {
  if (!w->ended) {
    printf("{\"error\":\"no full window\",\"total\":%llu}\n", (unsigned long long)w->packets);
    return;
  }
  printf("{\"packets\":%llu,\"bytes\":%llu,\"calls\":%llu,\"seconds\":%.6f,"
         "\"userNs\":%lld,\"systemNs\":%lld,\"total\":%llu}\n",
         (unsigned long long)(w->packets1 - w->packets0), (unsigned long long)(w->bytes1 - w->bytes0),
         (unsigned long long)(w->calls1 - w->calls0), (w->ended - w->started) / 1e9,
         (long long)(nanoseconds(w->usage1.ru_utime) - nanoseconds(w->usage0.ru_utime)),
         (long long)(nanoseconds(w->usage1.ru_stime) - nanoseconds(w->usage0.ru_stime)),
         (unsigned long long)w->packets);
}

/** Waits for input; 0 when nothing came for so long that the sample is over. */
static inline int window_wait(struct window *w, int fd) {
  window_tick(w);
  struct pollfd p = {.fd = fd, .events = POLLIN};
  int ready = poll(&p, 1, w->ended ? QUIET_MS : PATIENCE_MS);
  if (ready < 0) return errno == EINTR;
  // Only POLLHUP or POLLERR and nothing to read: the other side is gone.
  return ready > 0 && !((p.revents & (POLLHUP | POLLERR)) && !(p.revents & POLLIN));
}
#endif
