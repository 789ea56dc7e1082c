// Bundles the CNI plugins: CommonJS, so that the installed executables need neither this package's folder nor a file
// extension. The code lies beside the executable, for it is compiled when it is installed (cni/code-cache.ts); koffi's
// addon stays a file, which cni/install.ts copies there.
//
// node scripts/bundle-cni.mjs [DIST]: from DIST/cni/bin/ to DIST/cni/bundle/
//     NAME.cjs                                loader.js: the executable
//     .linkpoint/NAME-VERSION-HASH.cjs        NAME.js: its code; no character beyond ASCII

import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.resolve(root, process.argv[2] ?? 'dist');
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const koffiVersion = JSON.parse(readFileSync(path.join(root, 'node_modules/koffi/package.json'), 'utf8')).version;
const { addonPath, CODE_FOLDER, pluginMark, PLUGIN_NAMES } = await import(pathToFileURL(path.join(dist, 'cni/plugin-file.js')).href);

/** native/koffi finds the addon beside the executable instead of a package. */
const koffiBesidePlugin = {
  name: 'koffi-beside-plugin',
  setup(bundler) {
    bundler.onResolve({ filter: /^\.\/\.linkpoint\// }, (args) => ({ path: args.path, external: true }));
    bundler.onLoad({ filter: /[/\\]native[/\\]koffi\.js$/ }, async ({ path: file }) => {
      const source = await readFile(file, 'utf8');
      const addon = `require('./${addonPath(koffiVersion)}')`;
      const contents = source.replace("createRequire(import.meta.url)('koffi')", addon);
      if (contents === source) throw new Error(`${file} does not load koffi as bundle-cni.mjs expects`);
      return { contents, loader: 'js' };
    });
  },
};

/** A plugin has no worker threads: it is not worth the three milliseconds of loading them to be told so. */
const mainThread = {
  name: 'main-thread',
  setup(bundler) {
    bundler.onResolve({ filter: /^node:worker_threads$/ }, (args) => ({ path: args.path, namespace: 'main' }));
    bundler.onLoad({ filter: /.*/, namespace: 'main' }, () => ({ contents: 'export const isMainThread = true;' }));
  },
};

/** Parts of Node that take a millisecond or more to load are loaded at their first use: most calls need none of them. */
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup(bundler) {
    bundler.onResolve({ filter: /^node:(?:child_process|crypto|timers\/promises)$/ }, (args) =>
      args.namespace === 'lazy' ? { path: args.path, external: true } : { path: args.path, namespace: 'lazy' },
    );
    bundler.onLoad({ filter: /.*/, namespace: 'lazy' }, async ({ path: builtin }) => {
      const keys = JSON.stringify(Object.keys(await import(builtin)).filter((key) => key !== 'default'));
      const getter = `{ enumerable: true, get: () => require('${builtin}')[key] }`;
      return { contents: `for (const key of ${keys}) Object.defineProperty(exports, key, ${getter});`, loader: 'js' };
    });
  },
};

const bundle = path.join(dist, 'cni/bundle');
const options = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  write: false,
  legalComments: 'none',
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'warning',
};

/** The text of a program of cni/bin. */
async function bundled(program, more) {
  const entryPoints = [path.join(dist, 'cni/bin', `${program}.js`)];
  const { outputFiles } = await build({ ...options, ...more, entryPoints });
  return outputFiles[0].text.replace(/^#!.*\n/, '');
}

rmSync(bundle, { recursive: true, force: true });
mkdirSync(path.join(bundle, CODE_FOLDER), { recursive: true });
for (const name of PLUGIN_NAMES) {
  const code = await bundled(name, {
    // No URL, for nothing asks for it: koffi is found by `require`, and what starts other programs of ours is not called.
    define: { LINKPOINT_VERSION: JSON.stringify(version), 'import.meta.url': '__filename' },
    plugins: [koffiBesidePlugin, mainThread, lazyBuiltins],
  });
  const hash = createHash('sha256').update(code).digest('hex').slice(0, 12);
  const codePath = `${CODE_FOLDER}/${name}-${version}-${hash}`;
  writeFileSync(path.join(bundle, `${codePath}.cjs`), code);
  const loader = await bundled('loader', { define: { LINKPOINT_CODE: JSON.stringify(codePath) } });
  const executable = path.join(bundle, `${name}.cjs`);
  writeFileSync(executable, `#!/usr/bin/env node\n${pluginMark(name, version)}\n${loader}`);
  chmodSync(executable, 0o755);
  chmodSync(path.join(dist, 'cni/bin', `${name}.js`), 0o755);
}
