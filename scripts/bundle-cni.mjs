// Bundles the CNI plugins: one CommonJS file each, so that the installed executables need neither this package's folder
// nor a file extension. koffi's addon stays a file; cni/install.ts copies it to `.linkpoint/` beside the plugins.
//
// node scripts/bundle-cni.mjs [DIST]: from DIST/cni/bin/NAME.js to DIST/cni/bundle/NAME.cjs

import { chmodSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.resolve(root, process.argv[2] ?? 'dist');
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const koffiVersion = JSON.parse(readFileSync(path.join(root, 'node_modules/koffi/package.json'), 'utf8')).version;
const { addonPath, pluginMark, PLUGIN_NAMES } = await import(pathToFileURL(path.join(dist, 'cni/plugin-file.js')).href);

/** native/koffi finds the addon beside the executable instead of a package. */
const koffiBesidePlugin = {
  name: 'koffi-beside-plugin',
  setup(bundler) {
    bundler.onLoad({ filter: /[/\\]native[/\\]koffi\.js$/ }, async ({ path: file }) => {
      const source = await readFile(file, 'utf8');
      const contents = source.replace("('koffi')", `('./${addonPath(koffiVersion)}')`);
      if (contents === source) throw new Error(`${file} does not load koffi as bundle-cni.mjs expects`);
      return { contents, loader: 'js' };
    });
  },
};

/** Parts of Node that take a millisecond or more to load are loaded at their first use: most calls need none of them. */
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup(bundler) {
    bundler.onResolve({ filter: /^node:(?:child_process|crypto|timers\/promises|worker_threads)$/ }, (args) =>
      args.namespace === 'lazy' ? { path: args.path, external: true } : { path: args.path, namespace: 'lazy' },
    );
    bundler.onLoad({ filter: /.*/, namespace: 'lazy' }, async ({ path: builtin }) => {
      const keys = JSON.stringify(Object.keys(await import(builtin)).filter((key) => key !== 'default'));
      const getter = `{ enumerable: true, get: () => require('${builtin}')[key] }`;
      return { contents: `for (const key of ${keys}) Object.defineProperty(exports, key, ${getter});`, loader: 'js' };
    });
  },
};

for (const name of PLUGIN_NAMES) {
  const outfile = path.join(dist, 'cni/bundle', `${name}.cjs`);
  await build({
    entryPoints: [path.join(dist, 'cni/bin', `${name}.js`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    banner: { js: pluginMark(name, version) },
    define: {
      LINKPOINT_VERSION: JSON.stringify(version),
      'import.meta.url': 'linkpointPluginUrl',
    },
    inject: [path.join(root, 'scripts/bundle-cni-url.mjs')],
    plugins: [koffiBesidePlugin, lazyBuiltins],
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'warning',
  });
  chmodSync(outfile, 0o755);
  chmodSync(path.join(dist, 'cni/bin', `${name}.js`), 0o755);
}
