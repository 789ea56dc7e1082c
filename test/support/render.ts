/** docs/support.md, rendered from the data that the tests are made of: the same on every machine. */

import type { DispatchMode } from '../../dispatch/link-dispatcher.ts';
import type { RunMode } from '../../link/fd-based-options.ts';
import {
  type Cell,
  cellName,
  cellTitle,
  DEVICES,
  type DeviceSpec,
  DIRECTIONS,
  fileOf,
  MODES,
  type Obstacle,
  obstacleOf,
  PACKETS,
  refusalTitle,
  RUNS,
} from './matrix.ts';
import { MEMORY_FILE, MEMORY_ROWS, type MemoryRow, memoryTitle } from './memory-rows.ts';

/** The document, in the source tree. */
export const DOCUMENT = 'docs/support.md';

const COUNT = PACKETS.toLocaleString('en');
const [FIRST] = DEVICES as readonly [DeviceSpec];
const EXAMPLE: Cell = { device: FIRST, mode: 'readv', run: 'inline', direction: 'rx' };

const HEAD = `# What works on what

This file is written by \`npm run support\` and compared by a test: what it says is what the tests do.

- ✔ \`${cellName(EXAMPLE)}\` names a test of the file above its table; its title begins with the heading and the cell:
  \`${cellTitle(EXAMPLE)}\`.
- **verified** means that every packet carries a number and a pattern that follows from it; each number arrives exactly
  once, and every byte is compared. With a virtio-net header each packet leaves its checksum to the link and every 16th
  is a TCP super-packet, and that metadata is compared, too.
- ✘ \`ERR_…\` (\`E…\`) is a combination that does not exist: the code of the error that \`openFdBased\` throws, and what
  the kernel answers to the system call named below the table when it is asked all the same. A test says so, too.
- **rx** comes in from the device to the dispatcher, **tx** goes out by \`writePackets\`: in run \`worker\` that of the
  worker's own half of the endpoint, one for each descriptor.
- Where there are several descriptors, each must have received a part (\`worker, rx\`).`;

/** The whole document. */
export function renderSupport(): string {
  const devices = DEVICES.map(renderDevice);
  return `${[HEAD, '## Endpoints over descriptors of packets', ...devices, renderMemory()].join('\n\n')}\n`;
}

function renderDevice(spec: DeviceSpec): string {
  const cellsOfRow = (mode: DispatchMode, run: RunMode): string[] =>
    DIRECTIONS.map((direction) => renderCell({ device: spec, mode, run, direction }));
  const rows = MODES.flatMap((mode) => RUNS.map((run) => [mode, run, ...cellsOfRow(mode, run)]));
  const head = ['mode', 'run', ...DIRECTIONS];
  const notes = MODES.flatMap((mode) => {
    const obstacle = obstacleOf(spec, mode);
    return obstacle === null ? [] : [renderNote(spec, mode, obstacle)];
  });
  const parts = [`### ${spec.title}`, `Tests: [${fileOf(spec.kind)}](../${fileOf(spec.kind)})`];
  if (notes.length > 0) return [...parts, table(head, rows), notes.join('\n')].join('\n\n');
  return [...parts, table(head, rows)].join('\n\n');
}

function renderCell(cell: Cell): string {
  const obstacle = obstacleOf(cell.device, cell.mode);
  return obstacle === null ? `✔ \`${cellName(cell)}\`` : `✘ \`${obstacle.code}\` (\`${obstacle.errno}\`)`;
}

const renderNote = (spec: DeviceSpec, mode: DispatchMode, { errno, syscall }: Obstacle): string =>
  `- ${mode}: \`${syscall}\` answers \`${errno}\`; test \`${refusalTitle(spec, mode)}\`.`;

function renderMemory(): string {
  const cellsOfRow = (row: MemoryRow): string[] =>
    DIRECTIONS.map((direction) => `✔ \`${memoryTitle(row, direction)}\``);
  const rows = MEMORY_ROWS.map((row) => [row.title, row.way, ...cellsOfRow(row)]);
  return [
    '## Other endpoints',
    `Tests: [${MEMORY_FILE}](../${MEMORY_FILE}). The cells are the titles; ${COUNT} packets each way.`,
    table(['endpoint', 'at the other side', ...DIRECTIONS], rows),
  ].join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const pad = (cell: string, column: number): string => cell.padEnd(widths[column] ?? 0);
  const line = (cells: readonly string[]): string => `| ${cells.map(pad).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
