// The limit of receiving in C, with no allocation per packet.
//
//     receive --mode read|readv|recvmmsg|ring [--batch N] [--slot BYTES] [--block BYTES --blocks N --retire-ms N]
//
// It reads fd 3 until nothing comes any more. `readv` scatters into gVisor's ten pieces, `read` into one flat buffer.
#include "bench.h"
#include <linux/if_packet.h>
#include <sys/mman.h>

#define FD 3
#define MAX_BATCH 1024

static struct window window;
static uint8_t *slots;
static size_t slot_bytes;

static void run_read(void) {
  do {
    for (;;) {
      ssize_t length = read(FD, slots, slot_bytes);
      window.calls++;
      if (length <= 0) break;
      window_count(&window, slots, length);
    }
  } while (window_wait(&window, FD));
}

/** gVisor's BufConfig: what a small packet does not need stays untouched. */
static const size_t PIECES[] = {128, 256, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
#define PIECE_COUNT (sizeof PIECES / sizeof *PIECES)

static void run_readv(void) {
  struct iovec pieces[PIECE_COUNT];
  size_t at = 0;
  for (size_t i = 0; i < PIECE_COUNT; at += PIECES[i++]) pieces[i] = (struct iovec){slots + at, PIECES[i]};
  do {
    for (;;) {
      ssize_t length = readv(FD, pieces, PIECE_COUNT);
      window.calls++;
      if (length <= 0) break;
      window_count(&window, slots, length);
    }
  } while (window_wait(&window, FD));
}

static void run_recvmmsg(int batch) {
  static struct mmsghdr messages[MAX_BATCH];
  static struct iovec pieces[MAX_BATCH];
  for (int i = 0; i < batch; i++) {
    pieces[i] = (struct iovec){slots + i * slot_bytes, slot_bytes};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
  }
  do {
    for (;;) {
      int count = recvmmsg(FD, messages, batch, MSG_DONTWAIT, NULL);
      window.calls++;
      if (count <= 0 || messages[0].msg_len == 0) break;
      for (int i = 0; i < count; i++) window_count(&window, slots + i * slot_bytes, messages[i].msg_len);
      if (count < batch) break;
    }
  } while (window_wait(&window, FD));
}

static void run_ring(size_t block_bytes, int blocks, int retire_ms) {
  int version = TPACKET_V3;
  struct tpacket_req3 shape = {.tp_block_size = block_bytes,
                               .tp_block_nr = blocks,
                               .tp_frame_size = 2048,
                               .tp_frame_nr = block_bytes / 2048 * blocks,
                               .tp_retire_blk_tov = retire_ms};
  if (setsockopt(FD, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0) fail("PACKET_VERSION");
  if (setsockopt(FD, SOL_PACKET, PACKET_RX_RING, &shape, sizeof shape) != 0) fail("PACKET_RX_RING");
  uint8_t *ring = mmap(NULL, block_bytes * blocks, PROT_READ | PROT_WRITE, MAP_SHARED, FD, 0);
  if (ring == MAP_FAILED) fail("mmap");
  say_ready();
  int at = 0;
  do {
    for (;;) {
      struct tpacket_hdr_v1 *block = &((struct tpacket_block_desc *)(ring + at * block_bytes))->hdr.bh1;
      if (!(__atomic_load_n(&block->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) break;
      uint8_t *packet = ring + at * block_bytes + block->offset_to_first_pkt;
      for (uint32_t left = block->num_pkts; left > 0; left--) {
        struct tpacket3_hdr *header = (struct tpacket3_hdr *)packet;
        window_count(&window, packet + header->tp_mac, header->tp_snaplen);
        packet += header->tp_next_offset;
      }
      __atomic_store_n(&block->block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
      at = (at + 1) % blocks;
    }
    window.calls++;
  } while (window_wait(&window, FD));
}

int main(int argc, char **argv) {
  const char *mode = option(argc, argv, "--mode", "read");
  int batch = (int)number(argc, argv, "--batch", 1);
  slot_bytes = number(argc, argv, "--slot", 65664);
  if (batch < 1 || batch > MAX_BATCH || slot_bytes < 65) return 2;
  slots = calloc(batch, slot_bytes < 65664 && strcmp(mode, "readv") == 0 ? 65664 : slot_bytes);
  if (slots == NULL) fail("calloc");
  set_nonblocking(FD);
  window_init(&window, argc, argv);
  if (strcmp(mode, "ring") != 0) say_ready(); // a ring must exist before the first packet
  if (strcmp(mode, "read") == 0) run_read();
  else if (strcmp(mode, "readv") == 0) run_readv();
  else if (strcmp(mode, "recvmmsg") == 0) run_recvmmsg(batch);
  else
    run_ring(number(argc, argv, "--block", 1 << 18), number(argc, argv, "--blocks", 16),
             number(argc, argv, "--retire-ms", 1));
  window_print(&window);
  return 0;
}
