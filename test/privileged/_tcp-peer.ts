/** One end of a TCP connection of the kernel. argv: `listen` or `connect`, address, bytes to send. Prints a JSON line. */

import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';

const PORT = 7000;
const CHUNK_BYTES = 1 << 18;
const [what, address, byteText] = process.argv.slice(2) as [string, string, string];

function listen(): void {
  const hash = createHash('sha256');
  let bytes = 0;
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    socket.on('end', () => {
      process.stdout.write(`${JSON.stringify({ bytes, digest: hash.digest('hex') })}\n`);
      socket.end();
      server.close();
    });
  });
  server.listen(PORT, address, () => process.stdout.write('listening\n'));
}

function send(): void {
  const hash = createHash('sha256');
  let left = Number(byteText);
  const socket = connect(PORT, address);
  const pump = (): void => {
    while (left > 0) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, left), left & 0xff);
      hash.update(chunk);
      left -= chunk.length;
      if (!socket.write(chunk)) return void socket.once('drain', pump);
    }
    socket.end();
  };
  socket.on('connect', pump);
  socket.on('close', () => process.stdout.write(`${JSON.stringify({ bytes: Number(byteText), digest: hash.digest('hex') })}\n`));
  socket.resume();
}

if (what === 'listen') listen();
else send();
