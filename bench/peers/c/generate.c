// The generator: sends one frame over and over to one or more sockets, and says how many the kernel took.
//
//     generate --fds 3[,4...] --head HEX --size BYTES --regime burst|live|paced [--pps N] [--burst N] --ms N
//
// burst   On the receiver's CPU, with real-time priority: fills the queue, then sleeps until a thread of idle priority
//         has run on that CPU, that is, until the receiver has nothing to do. So the receiver always drains a full
//         queue, is woken once per burst, and pays for nothing but itself.
// live    On another CPU, as fast as it goes.
// paced   On another CPU, one frame every 1/pps seconds, spinning in between.
#include "bench.h"
#include <pthread.h>
#include <semaphore.h>

#define MAX_FDS 64
#define BATCH 64

static sem_t asked, idle;

static void *tell_idle(void *unused) {
  (void)unused;
  struct sched_param p = {0};
  pthread_setschedparam(pthread_self(), SCHED_IDLE, &p);
  for (;;) {
    sem_wait(&asked);
    sem_post(&idle);
  }
  return NULL;
}

static struct mmsghdr messages[BATCH];
static struct iovec piece;
static uint64_t sent, refused;

/** Sends up to `count`; how many the kernel took, or -1 when the other side is gone. */
static int send_some(int fd, int count) {
  int taken = sendmmsg(fd, messages, count < BATCH ? count : BATCH, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (taken > 0) return sent += taken, taken;
  if (errno == EPIPE || errno == ECONNRESET || errno == EBADF) return -1;
  if (errno == ENOBUFS) refused++; // the device's queue: one frame was lost
  return 0;
}

static int fill(const int *fds, int fd_count, int burst) {
  for (int i = 0; i < fd_count; i++)
    for (int left = burst; left > 0;) {
      int taken = send_some(fds[i], left);
      if (taken < 0) return -1;
      if (taken == 0) break;
      left -= taken;
    }
  return 0;
}

static void run_burst(const int *fds, int fd_count, int burst, int64_t end) {
  pthread_t thread;
  sem_init(&asked, 0, 0);
  sem_init(&idle, 0, 0);
  if (pthread_create(&thread, NULL, tell_idle, NULL) != 0) fail("pthread_create");
  while (now_ns() < end && fill(fds, fd_count, burst) == 0) {
    sem_post(&asked);
    sem_wait(&idle);
  }
}

static void run_live(const int *fds, int fd_count, int64_t end) {
  struct pollfd polls[MAX_FDS];
  for (int i = 0; i < fd_count; i++) polls[i] = (struct pollfd){.fd = fds[i], .events = POLLOUT};
  while (now_ns() < end) {
    uint64_t before = sent;
    if (fill(fds, fd_count, BATCH) < 0) return;
    if (sent == before) poll(polls, fd_count, 10);
  }
}

static void run_paced(int fd, long pps, int64_t end) {
  int64_t step = 1000000000LL / pps, due = now_ns();
  for (int64_t now = due; now < end; now = now_ns()) {
    if (now < due) continue;
    if (send_some(fd, 1) < 0) return;
    due = now - due > 1000000 ? now + step : due + step; // what a stolen millisecond missed is not made up for
  }
}

int main(int argc, char **argv) {
  static uint8_t frame[MAX_FRAME];
  int fds[MAX_FDS], fd_count = 0;
  char *list = strdup(option(argc, argv, "--fds", "3"));
  for (char *text = strtok(list, ","); text != NULL && fd_count < MAX_FDS; text = strtok(NULL, ","))
    fds[fd_count++] = atoi(text);
  size_t size = number(argc, argv, "--size", 64);
  if (size > MAX_FRAME) return 2;
  from_hex(option(argc, argv, "--head", ""), frame);
  piece = (struct iovec){.iov_base = frame, .iov_len = size};
  for (int i = 0; i < BATCH; i++) messages[i].msg_hdr = (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1};
  const char *regime = option(argc, argv, "--regime", "live");
  int is_burst = strcmp(regime, "burst") == 0, realtime = is_burst && become_realtime();
  int64_t began = now_ns(), end = began + number(argc, argv, "--ms", 1000) * 1000000LL;
  if (is_burst) run_burst(fds, fd_count, (int)number(argc, argv, "--burst", 512), end);
  else if (strcmp(regime, "paced") == 0) run_paced(fds[0], number(argc, argv, "--pps", 20000), end);
  else run_live(fds, fd_count, end);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"sent\":%llu,\"refused\":%llu,\"realtime\":%s,\"seconds\":%.6f,\"cpuNs\":%lld}\n", (unsigned long long)sent,
         (unsigned long long)refused, realtime ? "true" : "false", (now_ns() - began) / 1e9,
         (long long)(nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime)));
  fflush(stdout);
  _exit(0); // the idle thread may wait for ever
}
