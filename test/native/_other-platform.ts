/** Pretends to be another platform, imports the folder and calls what it exports. */

Object.defineProperty(process, 'platform', { value: 'freebsd' });

const native = await import('../../native/index.ts');

/** Called with arguments that would be right on Linux. */
const calls: Record<string, () => unknown> = {
  read: () => native.read(0, 0, 0),
  write: () => native.write(1, 0, 0),
  openSocket: () => native.openSocket(1, 1, 0),
  socketPair: () => native.socketPair(),
  closeFd: () => native.closeFd(999_999),
  describeFd: () => native.describeFd(0),
  openTunFd: () => native.openTunFd({ mode: 'tap' }),
  openPacketSocketFd: () => native.openPacketSocketFd({ interfaceIndex: 1 }),
  openNamespace: () => native.openNamespace(),
  runInNamespace: () => native.runInNamespace(0, () => 0),
  watch: () => native.Readiness.watch(0, { readable: true }, () => undefined),
  createEventFd: () => native.createEventFd(),
  pollNow: () => native.pollNow(0, 1),
  interfaceIndex: () => native.interfaceIndex('lo'),
  disableDad: () => native.disableDad('lo'),
  pin: () => native.pin(new Uint8Array(8)),
  mapRing: () => native.mapRing(0, 4096),
  receive: () => new native.MessageTable(1, 1).receive(0, 0, 1, 0),
  threadId: () => native.threadId(),
  threadCpuTimes: () => native.threadCpuTimes(),
  sendFds: () => native.sendFds(0, []),
  openNetlink: () => native.netlinkSocket.openNetlink(),
};

for (const [name, call] of Object.entries(calls)) {
  try {
    call();
    console.log(`${name}: no error`);
  } catch (error) {
    console.log(`${name}: ${(error as { code?: string }).code ?? error}`);
  }
}
