// Ping-pong over fd 3.
//
//     latency --role ping --count N [--idle-us N] [--size 64]     sends a frame, waits for it, prints percentiles
//     latency --role echo                                         poll, read, write: the limit
#include "bench.h"

#define FD 3

static uint8_t frame[MAX_FRAME];

static ssize_t wait_and_read(void) {
  struct pollfd p = {.fd = FD, .events = POLLIN};
  if (poll(&p, 1, PATIENCE_MS) <= 0) return 0;
  return read(FD, frame, sizeof frame);
}

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int run_ping(long count, long idle_us, size_t size, const char *head) {
  int64_t *times = calloc(count, sizeof *times);
  struct timespec idle = {idle_us / 1000000, idle_us % 1000000 * 1000};
  long warm = count / 10;
  for (long i = -warm; i < count; i++) {
    if (idle_us > 0) clock_nanosleep(CLOCK_MONOTONIC, 0, &idle, NULL);
    from_hex(head, frame);
    int64_t began = now_ns();
    if (write(FD, frame, size) <= 0 || wait_and_read() <= 0) return printf("{\"error\":\"no answer\"}\n"), 1;
    if (i >= 0) times[i] = now_ns() - began;
  }
  qsort(times, count, sizeof *times, ascending);
  printf("{\"count\":%ld,\"p50Ns\":%lld,\"p90Ns\":%lld,\"p99Ns\":%lld}\n", count, (long long)times[count / 2],
         (long long)times[count * 9 / 10], (long long)times[count * 99 / 100]);
  return 0;
}

int main(int argc, char **argv) {
  set_nonblocking(FD);
  if (strcmp(option(argc, argv, "--role", "ping"), "ping") == 0)
    return run_ping(number(argc, argv, "--count", 1000), number(argc, argv, "--idle-us", 0),
                    number(argc, argv, "--size", 64), option(argc, argv, "--head", "45"));
  say_ready();
  for (ssize_t length; (length = wait_and_read()) > 0;)
    if (write(FD, frame, length) < 0) break;
  return 0;
}
