/** Rules about who may import whom: DESIGN section 1, "Imports go one way". Each answers with its violations. */

import path from 'node:path';
import ts from 'typescript';
import { placeOf, type Source, walk } from './_source.ts';

/** One import, re-export, `import()` or `import('…')` type. */
interface Import {
  readonly source: Source;
  readonly node: ts.Node;
  /** As written. */
  readonly specifier: string;
  /** Path from the root, or null for a package. */
  readonly target: string | null;
}

/**
 * Who stands where: an entry may import from entries of lower rank and from itself. `index` is the public door at the
 * root, `test` everything that only checks.
 */
const RANKS: readonly (readonly string[])[] = [
  ['errors'],
  ['native', 'header'],
  ['gso'],
  ['stack'],
  ['dispatch'],
  ['link'],
  ['testing', 'sandbox'],
  ['cni'],
  ['index'],
  ['cli', 'examples'],
  ['bench'],
  ['test'],
];

/** Modules that must load without FFI, on any platform. */
const WITHOUT_NATIVE: readonly RegExp[] = [
  /^errors\.ts$/,
  /^(?:header|gso|stack|testing)\//,
  /^link\/(?:channel|loopback|pipe|muxed|nested|ethernet|endpoint-base|link-header|streams)\.ts$/,
];

/** Which sources may name which package; packages that are not listed are free for all. */
const OWNERS: Readonly<Record<string, RegExp>> = {
  koffi: /^(?:native|test)\//,
  piscina: /^(?:dispatch\/pool\.ts$|test\/)/,
  tinybench: /^(?:bench|test)\//,
  ava: /^test\//,
  'fast-check': /^test\//,
  typescript: /^test\//,
};

/** Imports against the order of the layers. */
export function findLayerViolations(sources: readonly Source[]): string[] {
  return sources.flatMap(importsOf).flatMap(({ source, node, target }) => {
    if (target === null) return [];
    const [from, to] = [entryOf(source.path), entryOf(target)];
    if (from === to || (rankOf(to) >= 0 && rankOf(to) < rankOf(from))) return [];
    return [`${placeOf(source, node)}: ${from} imports ${target}`];
  });
}

/** Every source that is part of a cycle of imports, with the way round. */
export function findCycles(sources: readonly Source[]): string[] {
  const graph = graphOf(sources);
  return sources.flatMap(({ path: start }) => {
    const way = findWay(graph, start, (name) => name === start);
    return way === null ? [] : [way.join(' -> ')];
  });
}

/** Modules that must load without FFI and yet lead to native/, with the way there. */
export function findWaysToNative(sources: readonly Source[]): string[] {
  const graph = graphOf(sources);
  return sources.flatMap(({ path: start }) => {
    if (!WITHOUT_NATIVE.some((pattern) => pattern.test(start))) return [];
    const way = findWay(graph, start, (name) => entryOf(name) === 'native');
    return way === null ? [] : [way.join(' -> ')];
  });
}

/** Packages that are imported, required or named outside the folder that owns them. */
export function findForeignPackages(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const found: string[] = [];
    walk(source, (node) => {
      if (!ts.isStringLiteralLike(node) || !isModuleName(node)) return;
      const owner = OWNERS[packageOf(node.text)];
      if (owner !== undefined && !owner.test(source.path)) found.push(`${placeOf(source, node)}: "${node.text}"`);
    });
    return found;
  });
}

/** Addresses taken by koffi outside native/memory, where they are not pinned. */
export function findUnpinnedAddresses(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    if (source.path === 'native/memory.ts') return [];
    const found: string[] = [];
    walk(source, (node) => {
      if (isKoffiAddress(node)) found.push(placeOf(source, node));
    });
    return found;
  });
}

/** `koffi.address`, `koffi['address']`, `requireKoffi(…).address`, `const { address } = koffi`. */
function isKoffiAddress(node: ts.Node): boolean {
  const isKoffi = (value: ts.Node | undefined): boolean => value !== undefined && /koffi/i.test(value.getText());
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'address' && isKoffi(node.expression);
  if (ts.isElementAccessExpression(node))
    return /address/.test(node.argumentExpression.getText()) && isKoffi(node.expression);
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name)) {
    return (
      isKoffi(node.initializer) &&
      node.name.elements.some((each) => (each.propertyName ?? each.name).getText() === 'address')
    );
  }
  if (ts.isImportSpecifier(node)) {
    const { moduleSpecifier } = node.parent.parent.parent as ts.ImportDeclaration;
    return (node.propertyName ?? node.name).text === 'address' && moduleSpecifier.getText().slice(1, -1) === 'koffi';
  }
  return false;
}

/** The string is what an import, a re-export, `import()`, `require()` or an import type names. */
function isModuleName(node: ts.StringLiteralLike): boolean {
  const { parent } = node;
  if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || ts.isExternalModuleReference(parent))
    return true;
  if (ts.isLiteralTypeNode(parent)) return ts.isImportTypeNode(parent.parent);
  return (
    ts.isCallExpression(parent) &&
    parent.arguments[0] === node &&
    /(?:import|require|\))$/.test(parent.expression.getText())
  );
}

function importsOf(source: Source): Import[] {
  const found: Import[] = [];
  walk(source, (node) => {
    if (!ts.isStringLiteralLike(node) || !isModuleName(node)) return;
    const isRelative = node.text.startsWith('.');
    const target = isRelative ? path.posix.join(path.posix.dirname(source.path), node.text) : null;
    found.push({ source, node, specifier: node.text, target });
  });
  return found;
}

function graphOf(sources: readonly Source[]): Map<string, string[]> {
  const known = new Set(sources.map((source) => source.path));
  return new Map(
    sources.map((source) => {
      const targets = importsOf(source).map(({ target }) => target);
      return [source.path, targets.filter((target) => target !== null && known.has(target)) as string[]];
    }),
  );
}

/** The first way from `start` (itself not counted) to a name that `isGoal`, breadth first; null if there is none. */
function findWay(graph: Map<string, string[]>, start: string, isGoal: (name: string) => boolean): string[] | null {
  const ways = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of graph.get(way.at(-1) as string) ?? []) {
      if (isGoal(next)) return [...way, next];
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return null;
}

const entryOf = (name: string): string => (name.split('/')[0] as string).replace(/\.ts$/, '');

/** -1 for an entry that DESIGN does not know: it may neither import nor be imported. */
const rankOf = (entry: string): number => RANKS.findIndex((entries) => entries.includes(entry));

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
