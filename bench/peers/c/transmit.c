// The limit of sending in C: one write(2) a frame, or sendmmsg(2) of a batch.
//
//     transmit --mode write|sendmmsg [--batch 47] --head HEX --size BYTES        fd 3; `drain` reads the other end
#include "bench.h"

#define FD 3
#define MAX_BATCH 1024

static struct window window;
static uint8_t frame[MAX_FRAME];

/** Full: wait until the other side has read. 0 when it is gone. */
static int wait_writable(void) {
  struct pollfd p = {.fd = FD, .events = POLLOUT};
  window_tick(&window);
  return poll(&p, 1, PATIENCE_MS) > 0 && !(p.revents & (POLLERR | POLLHUP));
}

static int is_full(void) { return errno == EAGAIN || errno == ENOBUFS; }

static void run_write(size_t size) {
  while (!window.ended) {
    window.calls++;
    if (write(FD, frame, size) > 0) window_count(&window, frame, size);
    else if (!is_full() || !wait_writable()) return;
  }
}

static void run_sendmmsg(size_t size, int batch) {
  static struct mmsghdr messages[MAX_BATCH];
  static struct iovec piece;
  piece = (struct iovec){frame, size};
  for (int i = 0; i < batch; i++) messages[i].msg_hdr = (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1};
  while (!window.ended) {
    window.calls++;
    int taken = sendmmsg(FD, messages, batch, MSG_DONTWAIT | MSG_NOSIGNAL);
    for (int i = 0; i < taken; i++) window_count(&window, frame, size);
    if (taken < batch && (taken >= 0 || is_full())) {
      if (!wait_writable()) return;
    } else if (taken < 0) return;
  }
}

int main(int argc, char **argv) {
  size_t size = number(argc, argv, "--size", 64);
  int batch = (int)number(argc, argv, "--batch", 47);
  if (size > MAX_FRAME || batch < 1 || batch > MAX_BATCH) return 2;
  from_hex(option(argc, argv, "--head", ""), frame);
  set_nonblocking(FD);
  window_init(&window, argc, argv);
  say_ready();
  if (strcmp(option(argc, argv, "--mode", "sendmmsg"), "write") == 0) run_write(size);
  else run_sendmmsg(size, batch);
  window_print(&window);
  return 0;
}
