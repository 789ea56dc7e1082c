/**
 * The kernel asks whether we are there: by ping(8) if it is found, else by ICMP sockets of our own. Either way the
 * kernel resolves our link address first, by ARP or NDP.
 */

import { spawn } from 'node:child_process';

import { formatIp } from '../header/address.ts';
import * as icmpv4 from '../header/icmpv4.ts';
import * as icmpv6 from '../header/icmpv6.ts';
import * as ipv4 from '../header/ipv4.ts';
import { PROTOCOL_ICMPV4, PROTOCOL_ICMPV6 } from '../header/protocol.ts';
import {
  allocatePinned,
  closeFd,
  connectAddress,
  constants as c,
  ERRNO,
  freePinned,
  inet4Address,
  inet6Address,
  openSocket,
  type PinnedBuffer,
  pollNow,
  read,
  systemError,
  write,
} from '../native/index.ts';

/** Echo requests per address. */
const REQUESTS = 3;
/** Longest wait for an answer. */
const ANSWER_MILLISECONDS = 2000;
/** What ping(8) answers when it ran, whether or not anybody answered it; anything else says that it cannot run here. */
const PING_STATUSES: readonly (number | null)[] = [0, 1];

/** Who asked, and how often there was an answer. */
export interface ProbeResult {
  readonly address: string;
  /** `ping`: ping(8); `socket`: an ICMP socket of ours; `script`: the scripted peer. */
  readonly tool: 'ping' | 'socket' | 'script';
  readonly sent: number;
  readonly received: number;
}

/**
 * Asks for `address`, an IPv4 or IPv6 one, from the network namespace of the calling thread.
 * @param signal ends a ping that is under way
 */
export async function probe(address: number | Uint8Array, signal: AbortSignal): Promise<ProbeResult> {
  const text = formatIp(address);
  const byPing = await runPing(text, signal);
  if (byPing !== null) return { address: text, tool: 'ping', sent: REQUESTS, received: byPing };
  return { address: text, tool: 'socket', sent: REQUESTS, received: await askBySocket(address) };
}

/** Answers that ping(8) counted; null when it is not there or cannot run. A child inherits the namespace. */
function runPing(address: string, signal: AbortSignal): Promise<number | null> {
  const options = ['-n', '-c', String(REQUESTS), '-i', '0.2', '-W', String(ANSWER_MILLISECONDS / 1000), address];
  const ping = spawn('ping', options, { stdio: ['ignore', 'pipe', 'ignore'], signal, killSignal: 'SIGKILL' });
  let output = '';
  ping.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve) => {
    ping.on('error', () => resolve(null));
    ping.on('close', (status) => {
      const counted = /(\d+) (?:packets )?received/.exec(output)?.[1];
      resolve(PING_STATUSES.includes(status) && counted !== undefined ? Number(counted) : null);
    });
  });
}

async function askBySocket(address: number | Uint8Array): Promise<number> {
  const isIpv4 = typeof address === 'number';
  const fd = openSocket(isIpv4 ? c.AF_INET : c.AF_INET6, c.SOCK_RAW, isIpv4 ? PROTOCOL_ICMPV4 : PROTOCOL_ICMPV6);
  const memory = allocatePinned(2048);
  try {
    connectAddress(fd, isIpv4 ? inet4Address(address, 0) : inet6Address(address, 0));
    let received = 0;
    for (let sequence = 1; sequence <= REQUESTS; sequence++) {
      sendRequest(fd, memory, isIpv4, sequence);
      if (await awaitReply(fd, memory, isIpv4, sequence)) received++;
    }
    return received;
  } finally {
    closeFd(fd);
    freePinned(memory);
  }
}

const identifierOfProcess = process.pid & 0xffff;

function sendRequest(fd: number, memory: PinnedBuffer, isIpv4: boolean, sequence: number): void {
  const { view, address } = memory;
  const type = isIpv4 ? icmpv4.TYPE_ECHO_REQUEST : icmpv6.TYPE_ECHO_REQUEST;
  // ICMPv6 has the same first 8 bytes; its checksum is the kernel's business (RFC 3542 section 3.1).
  icmpv4.emit({ type, code: 0, checksum: 0, identifier: identifierOfProcess, sequence }, view, 0);
  if (isIpv4) icmpv4.fillChecksum(view, 0, icmpv4.HEADER_BYTES);
  const sent = write(fd, address, icmpv4.HEADER_BYTES);
  if (sent < 0) throw systemError('Cannot send an echo request', 'write', -sent);
}

/** Raw sockets see every ICMP message of the address: what is not our reply is passed over. */
async function awaitReply(fd: number, memory: PinnedBuffer, isIpv4: boolean, sequence: number): Promise<boolean> {
  const deadline = performance.now() + ANSWER_MILLISECONDS;
  while (performance.now() < deadline) {
    if (pollNow(fd, c.POLLIN) <= 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      continue;
    }
    const length = read(fd, memory.address, memory.bytes.byteLength);
    if (length < 0 && length !== -ERRNO.EAGAIN) throw systemError('Cannot read an echo reply', 'read', -length);
    if (length > 0 && isReply(memory.view, length, isIpv4, sequence)) return true;
  }
  return false;
}

/** An IPv4 raw socket hands up the IP header, an IPv6 one does not. */
function isReply(view: DataView, length: number, isIpv4: boolean, sequence: number): boolean {
  const at = isIpv4 ? ipv4.headerBytes(view, 0) : 0;
  if (length < at + icmpv4.HEADER_BYTES) return false;
  const type = isIpv4 ? icmpv4.TYPE_ECHO_REPLY : icmpv6.TYPE_ECHO_REPLY;
  return (
    icmpv4.type(view, at) === type &&
    icmpv4.identifier(view, at) === identifierOfProcess &&
    icmpv4.sequence(view, at) === sequence
  );
}
