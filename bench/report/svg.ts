/**
 * Plots: panels of horizontal bars, drawn as SVG text.
 *
 *     title of a panel                                     unit
 *     label ████████████████├──┤  1234                     bar: median; whisker: least to most
 */

/** One bar. */
export interface Bar {
  readonly label: string;
  readonly family: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
}

/** Bars of one scale. */
export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 880;
const LABEL_WIDTH = 250;
const VALUE_WIDTH = 80;
const BAR_WIDTH = WIDTH - LABEL_WIDTH - VALUE_WIDTH - 20;
const BAR_HEIGHT = 18;
const TITLE_HEIGHT = 34;
const GAP = 14;

/** Told apart in grey, too: linkpoint is the darkest. */
const COLORS: Readonly<Record<string, string>> = {
  linkpoint: '#0b5d8a',
  bare: '#5fa8d3',
  c: '#8d99ae',
  go: '#e09f3e',
  node: '#c8553d',
  reference: '#8d99ae',
};
const NAMES: Readonly<Record<string, string>> = {
  linkpoint: 'linkpoint',
  bare: 'bare FFI loop',
  c: 'C',
  go: 'gVisor (Go)',
  node: 'Node packages',
  reference: 'slow reference',
};

/** Draws panels below each other. @param names of families that are called otherwise here */
export function drawPanels(title: string, panels: readonly Panel[], names: Readonly<Record<string, string>> = {}): string {
  let y = TITLE_HEIGHT + 24;
  const parts: string[] = [];
  for (const panel of panels) {
    parts.push(drawPanel(panel, y));
    y += TITLE_HEIGHT + panel.bars.length * BAR_HEIGHT + GAP;
  }
  const style = 'font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#222"';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" ${style}>`,
    `<rect width="${WIDTH}" height="${y}" fill="#fff"/>`,
    `<text x="12" y="24" font-size="16" font-weight="bold">${escapeText(title)}</text>`,
    drawLegend(panels, { ...NAMES, ...names }),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

/** Only who is there. */
function drawLegend(panels: readonly Panel[], names: Readonly<Record<string, string>>): string {
  const families = new Set(panels.flatMap(({ bars }) => bars.map(({ family }) => family)));
  return Object.entries(names)
    .filter(([family]) => families.has(family))
    .map(([family, name], index) => {
      const x = 12 + index * 120;
      const square = `<rect x="${x}" y="36" width="10" height="10" fill="${colorOf(family)}"/>`;
      return `${square}<text x="${x + 15}" y="45">${escapeText(name)}</text>`;
    })
    .join('\n');
}

function drawPanel({ title, unit, bars }: Panel, y: number): string {
  const scale = BAR_WIDTH / Math.max(...bars.map(({ most }) => most), Number.MIN_VALUE);
  const head = `<text x="12" y="${y + 20}" font-weight="bold">${escapeText(title)}</text>`;
  const right = `<text x="${WIDTH - 12}" y="${y + 20}" text-anchor="end" fill="#666">${escapeText(unit)}</text>`;
  return [
    head,
    right,
    ...bars.map((bar, index) => drawBar(bar, y + TITLE_HEIGHT - 4 + index * BAR_HEIGHT, scale)),
  ].join('\n');
}

function drawBar({ label, family, value, least, most }: Bar, y: number, scale: number): string {
  const middle = y + BAR_HEIGHT / 2 - 2;
  const [from, to] = [LABEL_WIDTH + least * scale, LABEL_WIDTH + most * scale];
  const whisker = `M${round(from)} ${middle}H${round(to)}M${round(from)} ${middle - 3}v6M${round(to)} ${middle - 3}v6`;
  const extent = `width="${round(value * scale)}" height="${BAR_HEIGHT - 4}"`;
  const range = least === most ? '' : `<path d="${whisker}" stroke="#222" fill="none"/>`;
  return [
    `<text x="${LABEL_WIDTH - 8}" y="${y + 11}" text-anchor="end">${escapeText(label)}</text>`,
    `<rect x="${LABEL_WIDTH}" y="${y}" ${extent} fill="${colorOf(family)}"/>`,
    range,
    `<text x="${round(to + 6)}" y="${y + 11}">${value >= 100 ? value.toFixed(0) : value.toPrecision(3)}</text>`,
  ].join('');
}

const colorOf = (family: string): string => COLORS[family] ?? '#888';
const round = (value: number): string => value.toFixed(1);

/** XML's own characters. */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
