/** Writes docs/support.md: `npm run support`, after a build. */

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { findRoot } from '../tidy/_source.ts';
import { DOCUMENT, renderSupport } from './render.ts';

const file = path.join(findRoot(import.meta.url), DOCUMENT);
mkdirSync(path.dirname(file), { recursive: true });
writeFileSync(file, renderSupport());
console.error(`support: wrote ${DOCUMENT}`);
