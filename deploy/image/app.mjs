// The folder /app of the image: the bundle, proto/, and what of the native SQLite fits an architecture, whichever this
// machine has. `node deploy/image/app.mjs ARCH FOLDER` (amd64, arm64) after `npm run build`; the Dockerfile and build.mjs
// use it. Packages come from npm and are checked against package-lock.json.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, '../..');
export const parts = JSON.parse(readFileSync(join(here, 'parts.json'), 'utf8'));
export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** What an image of Lanner starts, as whom, and how Docker asks whether it lives; the Dockerfile says the same. */
export const entrypoint = ['/nodejs/bin/node', '/app/dist/bundle/main.cjs'];
export const imageConfig = {
  User: '65532:65532',
  Entrypoint: entrypoint,
  Cmd: ['run', '--config', '/etc/lanner/lanner.yaml'],
  ExposedPorts: { '2114/tcp': {} },
  // Docker's own addition to the format; Kubernetes has probes instead.
  Healthcheck: { Test: ['CMD', ...entrypoint, 'health'], Interval: 30e9, Timeout: 5e9, StartPeriod: 10e9, Retries: 3 },
};
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;

/** Unpacks a package of npm into `to`. Throws if it is not what `integrity` says. */
export function unpack(spec, integrity, to) {
  const folder = mkdtempSync(join(tmpdir(), 'lanner-part-'));
  try {
    const name = execFileSync('npm', ['pack', '--silent', spec, '--pack-destination', folder], { encoding: 'utf8' }).trim();
    const file = join(folder, name.split('\n').at(-1));
    const [algorithm, wanted] = integrity.split('-');
    const found = createHash(algorithm).update(readFileSync(file)).digest('base64');
    if (found !== wanted) throw new Error(`${spec}: its ${algorithm} is ${found}, not ${wanted}`);
    mkdirSync(to, { recursive: true });
    execFileSync('tar', ['-xzf', file, '-C', to, '--strip-components=1', '--no-same-owner']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A package and what it depends on, as they are installed here. */
function copyInstalled(name, to, from = root) {
  const folder = [from, root].map((base) => join(base, 'node_modules', name)).find((path) => existsSync(path));
  if (folder === undefined) throw new Error(`${name} is not installed: npm ci`);
  cpSync(folder, join(to, folder.slice(root.length + 1)), { recursive: true, filter: (path) => !/\/(\.bin|test)$/.test(path) });
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const dependency of Object.keys(dependencies)) copyInstalled(dependency, to, folder);
}

/** Writes /app for an architecture into `to`. */
export function writeApp(arch, to) {
  const { npm } = parts.architectures[arch];
  mkdirSync(join(to, 'dist'), { recursive: true });
  cpSync(join(root, 'dist/bundle'), join(to, 'dist/bundle'), { recursive: true, filter: (path) => !path.includes('/cache-') });
  // What stands beside the modules: recordings, pages, presets.
  for (const file of readdirSync(join(root, 'dist'), { recursive: true }).map(String))
    if (/\.(gz|html|css|svg|yaml)$/.test(file)) cpSync(join(root, 'dist', file), join(to, 'dist', file));
  cpSync(join(root, 'proto'), join(to, 'proto'), { recursive: true });
  const { name, version, license } = manifest;
  writeFileSync(join(to, 'package.json'), `${JSON.stringify({ name, version, license, type: 'module' }, null, 2)}\n`);
  cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
  copyInstalled('libsql', to);
  const native = `@libsql/linux-${npm}-gnu`;
  rmSync(join(to, 'node_modules/@libsql'), { recursive: true, force: true });
  const { version: nativeVersion, integrity } = lock[`node_modules/${native}`];
  unpack(`${native}@${nativeVersion}`, integrity, join(to, 'node_modules', native));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeApp(process.argv[2], process.argv[3]);
