// The container image as an OCI archive, without Docker: `npm run image [-- --arch amd64|arm64|all --out FILE --tag NAME:TAG]`.
// Node comes from npm (node-linux-*), the C runtime from Debian's packages, the rest from this repository; the tree is
// that of the Dockerfile. Needs Debian or Ubuntu's apt-get, dpkg-deb and GNU tar; no root. Files are
// sorted and carry one time (SOURCE_DATE_EPOCH, else the last commit's), so the same input gives the same bytes, but for
// V8's compiled code, which is never twice the same: `--no-code-cache` leaves it out. It is made for this machine's
// architecture only; an image of another one compiles at each start (100 ms more).
//   ctr images import dist/image/lanner-X.oci.tar; docker load < …; skopeo copy oci-archive:… docker://…
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { imageConfig, manifest, parts, root, unpack, writeApp } from './app.mjs';
import { writeCodeCache } from './code-cache.mjs';
import { writeDebian } from './debian.mjs';
import { sbom } from './sbom.mjs';

const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const own = process.arch === 'x64' ? 'amd64' : process.arch;
const asked = option('arch', own);
const architectures = asked === 'all' ? Object.keys(parts.architectures) : asked.split(',');
const out = option('out', join(root, `dist/image/lanner-${manifest.version}.oci.tar`));
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? commitTime());
const created = new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');
const owner = 65532;

function commitTime() {
  try {
    return execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 0;
  }
}

function revision() {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

const labels = {
  'org.opencontainers.image.title': 'lanner',
  'org.opencontainers.image.description': manifest.description,
  'org.opencontainers.image.version': manifest.version,
  'org.opencontainers.image.licenses': manifest.license,
  'org.opencontainers.image.created': created,
  ...(manifest.repository?.url !== undefined && { 'org.opencontainers.image.source': manifest.repository.url }),
  ...(revision() !== undefined && { 'org.opencontainers.image.revision': revision() }),
};

/** GNU tar, told to leave out everything that differs between two machines. */
function tar(folder, uid = 0) {
  return execFileSync(
    'tar',
    ['--sort=name', '--format=ustar', `--mtime=@${epoch}`, `--owner=${uid}`, `--group=${uid}`, '--numeric-owner', '--mode=go-w', '-cf', '-', '-C', folder, '.'],
    { maxBuffer: 1024 * 1024 * 1024 },
  );
}

/** The system's part that is neither Node nor Lanner: users, folders. */
function writeBase(to) {
  const files = {
    'etc/passwd': `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${owner}:${owner}:nonroot:/home/nonroot:/sbin/nologin\n`,
    'etc/group': `root:x:0:\nnonroot:x:${owner}:\n`,
    'etc/nsswitch.conf': 'hosts: files dns\n',
    'etc/os-release': readOsRelease(),
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    writeFileSync(join(to, name), text);
  }
  for (const folder of ['proc', 'sys', 'dev', 'run', 'etc/lanner', 'home']) mkdirSync(join(to, folder), { recursive: true });
}

/** Scanners want to know whose packages these are. */
function readOsRelease() {
  return `PRETTY_NAME="Debian GNU/Linux (${parts.debian}), parts for Lanner"\nNAME="Debian GNU/Linux"\nVERSION_CODENAME=${parts.debian}\nVERSION_ID="12"\nID=debian\n`;
}

async function layersOf(arch, work) {
  const { npm, node } = parts.architectures[arch];
  const folders = Object.fromEntries(['system', 'node', 'app', 'state'].map((name) => [name, join(work, arch, name)]));
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true });
  writeBase(folders.system);
  const debian = writeDebian(arch, folders.system);
  const package_ = join(work, arch, 'package');
  unpack(`node-linux-${npm}@${parts.node}`, node, package_);
  const program = join(folders.node, 'nodejs/bin/node');
  mkdirSync(dirname(program), { recursive: true });
  renameSync(join(package_, 'bin/node'), program);
  renameSync(join(package_, 'LICENSE'), join(folders.node, 'nodejs/LICENSE'));
  chmodSync(program, 0o755);
  const app = join(folders.app, 'app');
  writeApp(arch, app);
  writeFileSync(join(app, 'sbom.cdx.json'), `${JSON.stringify(sbom(debian, arch), null, 1)}\n`);
  if (arch === own && !process.argv.includes('--no-code-cache')) await writeCodeCache(program, app);
  for (const folder of ['var/lib/lanner', 'home/nonroot', 'tmp']) mkdirSync(join(folders.state, folder), { recursive: true });
  chmodSync(join(folders.state, 'var/lib/lanner'), 0o700);
  return [tar(folders.system), tar(folders.node), tar(folders.app), stateLayer(folders.state)];
}

/** Folders that are not root's. */
function stateLayer(folder) {
  return execFileSync(
    'tar',
    ['--sort=name', '--format=ustar', `--mtime=@${epoch}`, `--owner=${owner}`, `--group=${owner}`, '--numeric-owner', '--no-recursion', '-cf', '-', '-C', folder, './home/nonroot', './var/lib/lanner', './tmp'],
  );
}

const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Writes a blob of the layout; gives its descriptor. */
function blob(layout, mediaType, bytes) {
  const digest = digestOf(bytes);
  writeFileSync(join(layout, 'blobs/sha256', digest.slice(7)), bytes);
  return { mediaType, digest, size: bytes.length };
}

const json = (value) => Buffer.from(JSON.stringify(value));
const oci = 'application/vnd.oci.image';

async function imageOf(arch, layout, work) {
  const layers = await layersOf(arch, work);
  const config = {
    architecture: arch,
    os: 'linux',
    created,
    config: {
      ...imageConfig,
      Env: ['PATH=/nodejs/bin', 'NODE_ENV=production', 'HOME=/home/nonroot'],
      WorkingDir: '/',
      Labels: labels,
    },
    rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
    history: ['Debian: C runtime, certificates', `Node ${parts.node}`, `Lanner ${manifest.version}`, 'state'].map((comment) => ({ created, created_by: 'deploy/image/build.mjs', comment })),
  };
  const image = {
    schemaVersion: 2,
    mediaType: `${oci}.manifest.v1+json`,
    config: blob(layout, `${oci}.config.v1+json`, json(config)),
    layers: layers.map((layer) => blob(layout, `${oci}.layer.v1.tar+gzip`, gzipSync(layer, { level: 6 }))),
    annotations: labels,
  };
  const descriptor = blob(layout, `${oci}.manifest.v1+json`, json(image));
  const unpacked = layers.reduce((sum, layer) => sum + layer.length, 0);
  process.stderr.write(`${arch}: ${(unpacked / 1e6).toFixed(0)} MB unpacked${arch === own ? '' : ', without compiled code (another architecture)'}\n`);
  return { image, descriptor: { ...descriptor, platform: { architecture: arch, os: 'linux' } } };
}

const work = mkdtempSync(join(tmpdir(), 'lanner-image-'));
try {
  const layout = join(work, 'layout');
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const images = [];
  for (const arch of architectures) images.push(await imageOf(arch, layout, work));
  const reference = option('tag', `lanner:${manifest.version}`);
  const index = blob(layout, `${oci}.index.v1+json`, json({ schemaVersion: 2, mediaType: `${oci}.index.v1+json`, manifests: images.map(({ descriptor }) => descriptor) }));
  const annotations = { 'io.containerd.image.name': `docker.io/library/${reference}`, 'org.opencontainers.image.ref.name': reference.split(':')[1] };
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(layout, 'index.json'), json({ schemaVersion: 2, mediaType: `${oci}.index.v1+json`, manifests: [{ ...index, annotations }] }));
  // Docker before 25 knows only this; it takes one image.
  const { image } = images[Math.max(0, architectures.indexOf(own))];
  const pathOf = ({ digest }) => `blobs/sha256/${digest.slice(7)}`;
  writeFileSync(join(layout, 'manifest.json'), json([{ Config: pathOf(image.config), RepoTags: [reference], Layers: image.layers.map(pathOf) }]));
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, tar(layout));
  process.stdout.write(`${out} ${index.digest} ${(statSync(out).size / 1e6).toFixed(0)} MB\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
