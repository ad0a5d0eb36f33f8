// dist/bundle: the compiled sources and the libraries they use as a few files of CommonJS, which src/start.ts loads.
// Unminified, so that a stack names functions. What one command or one configuration needs alone is a file of its own:
// whatever is imported dynamically, and each library in `lazy`, which is loaded when it is first used.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const sources = join(root, 'src');
const out = join(root, 'dist/bundle');
const target = 'node20';
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Libraries that many runs never use, and what our sources import from them. */
const lazy = {
  '@bufbuild/cel': ['celEnv', 'isCelError', 'parse', 'plan'],
  '@bufbuild/cel/ext': ['strings'],
  '@grpc/grpc-js': [
    'Client',
    'Metadata',
    'Server',
    'ServerCredentials',
    'credentials',
    'loadPackageDefinition',
    'status',
  ],
  '@grpc/proto-loader': ['loadSync'],
  // Of prom-client: only a histogram with exemplars touches it.
  '@opentelemetry/api': ['context', 'trace'],
  liquidjs: ['Liquid'],
  protobufjs: ['Root'],
  undici: ['Pool', 'ProxyAgent'],
};
/** undici's main file gives the dispatchers their methods too, and loads fetch, WebSocket, cookies and caches. */
const undici = `import api from 'undici/lib/api/index.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
Object.assign(Dispatcher.prototype, api);
export { default as Pool } from 'undici/lib/dispatcher/pool.js';
export { default as ProxyAgent } from 'undici/lib/dispatcher/proxy-agent.js';`;

const fileOf = (library) => `lib-${library.replace(/^@/, '').replaceAll('/', '-')}`;

/** In our own sources a lazy library is a set of names that load it when one of them is first touched. */
const lazyLibraries = {
  name: 'lazy-libraries',
  setup(bundle) {
    bundle.onResolve({ filter: /^[@a-z]/ }, ({ path, importer, kind }) => {
      const ours = importer.startsWith(sources) || (path === '@opentelemetry/api' && importer.includes('/prom-client/'));
      if (kind === 'dynamic-import' || !(path in lazy) || !ours) return undefined;
      return { path, namespace: 'lazy' };
    });
    bundle.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      contents: lazy[path]
        .map((name) => `Object.defineProperty(exports, '${name}', { enumerable: true, get: () => require('./${fileOf(path)}.cjs').${name} });`)
        .join('\n'),
    }));
    bundle.onResolve({ filter: /^\.\/lib-.*\.cjs$/ }, ({ path }) => ({ path, external: true }));
    bundle.onResolve({ filter: /^library:/ }, ({ path }) => ({ path: path.slice('library:'.length), namespace: 'library' }));
    bundle.onLoad({ filter: /.*/, namespace: 'library' }, ({ path }) => ({
      contents: path === 'undici' ? undici : `export { ${lazy[path].join(', ')} } from '${path}';`,
      resolveDir: root,
    }));
  },
};

/** What only a module that stands in its own file could know, and what keeps a library from being bundled whole. */
const ourSources = {
  name: 'our-sources',
  setup(bundle) {
    bundle.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (!path.startsWith(sources)) return undefined;
      const text = readFileSync(path, 'utf8');
      const here = relative(sources, path).replace(/\.ts$/, '.js');
      checkNames(path, text);
      return {
        loader: 'ts',
        contents: text
          .replace(/^#!.*/, '')
          .replaceAll('import.meta.url', `__moduleUrl(${JSON.stringify(here)})`)
          // zod as a namespace: its forty languages and its other unused parts are left out.
          .replace("import { z } from 'zod'", "import * as z from 'zod'"),
      };
    });
    // The version is known by now; the file that holds it stays outside.
    bundle.onLoad({ filter: /\/src\/version\.ts$/ }, () => ({ contents: `export const version = ${JSON.stringify(version)};` }));
    // Only the kubeconfig is used of a client of 14 MB.
    bundle.onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: 'kubeconfig', namespace: 'kubeconfig' } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: 'kubeconfig' }, () => ({
      contents: `export { KubeConfig } from '@kubernetes/client-node';`,
      resolveDir: root,
    }));
  },
};

/** A name of a lazy library that the bundle does not have must not become undefined at run time. */
function checkNames(path, text) {
  for (const [, clause, library] of text.matchAll(/^import\s+(?!type\b)([^;]*?)\s+from '([^']+)'/gm)) {
    if (!(library in lazy)) continue;
    const names = clause.startsWith('{')
      ? clause.slice(1, -1).split(',').map((name) => name.trim())
      : [clause.startsWith('*') ? clause : 'default'];
    const missing = names.filter((name) => name !== '' && !name.startsWith('type ') && !lazy[library].includes(name));
    if (missing.length > 0)
      throw new Error(`${path}: name ${missing.join(', ')} of ${library} in .ci/bundle.mjs`);
  }
}

/**
 * What a file exports is a getter each, and the hot path would call these for every event. Once the file has run,
 * what is never assigned again is a plain property.
 */
function withPlainExports(text) {
  const [, exported] = /\n__export\(stdin_exports, \{\n([\s\S]*?)\n\}\);\n/.exec(text) ?? [];
  if (exported === undefined) return text;
  const entries = [...exported.matchAll(/^ {2}([\w$]+|"[^"]+"): \(\) => ([\w$.]+),?$/gm)];
  if (entries.length !== exported.split('\n').length) throw new Error(`not all exports are read: ${exported}`);
  const lines = entries.map(([, name, local]) =>
    !local.includes('.') && timesAssigned(text, local) === 1 ? `  ${name}: ${local}` : `  get ${name}() { return ${local}; }`,
  );
  return `${text}module.exports = {\n  __esModule: true,\n${lines.join(',\n')}\n};\n`;
}

/** As src/start.ts runs it: put around the text there, it would be a copy of each file at each start. */
function asFunction(text) {
  return `(function (require, module, exports, __moduleUrl) {${text}\n})\n`;
}

function timesAssigned(text, local) {
  const name = local.replaceAll('$', '\\$');
  const declared = text.match(new RegExp(`^(?:async )?(?:function\\*?|class) ${name}\\b`, 'gm'))?.length ?? 0;
  const written = text.match(new RegExp(`(?<![\\w$.])${name} *(?:[-+*/%&|^?]{0,3}=(?![=>])|\\+\\+|--)|(?:\\+\\+|--)${name}(?![\\w$])`, 'g'))?.length ?? 0;
  return declared + written;
}

/** Writes dist/bundle. Gives esbuild's account of what went where. */
export async function bundle() {
  mkdirSync(out, { recursive: true });
  const shared = { bundle: true, platform: 'node', target, legalComments: 'none', logLevel: 'warning' };
  const { outputFiles, metafile } = await build({
    ...shared,
    absWorkingDir: root,
    entryPoints: {
      lanner: 'src/main.ts',
      store: 'src/deliver/store/worker.ts',
      ...Object.fromEntries(Object.keys(lazy).map((library) => [fileOf(library), `library:${library}`])),
    },
    outdir: out,
    format: 'esm',
    splitting: true,
    chunkNames: '[name]-[hash]',
    // Their CommonJS halves need no second copy of what they share.
    mainFields: ['module', 'main'],
    external: ['libsql'],
    plugins: [ourSources, lazyLibraries],
    metafile: true,
    write: false,
  });
  for (const file of outputFiles) {
    const { code } = await transform(file.text, {
      loader: 'js',
      format: 'cjs',
      platform: 'node',
      target,
      supported: { 'dynamic-import': false },
      legalComments: 'none',
    });
    const text = code.replace(/\brequire\("\.\/([^"]+)\.js"\)/g, 'require("./$1.cjs")');
    writeFileSync(file.path.replace(/\.js$/, '.cjs'), asFunction(withPlainExports(text)));
  }
  await build({ ...shared, entryPoints: [join(sources, 'start.ts')], format: 'cjs', outfile: join(out, 'start.cjs') });
  for (const [name, entry] of [['main', 'lanner'], ['worker', 'store']])
    writeFileSync(join(out, `${name}.cjs`), `require('./start.cjs').start(__dirname, '${entry}.cjs');\n`);
  return metafile;
}

