// The files of Debian that Node and libsql need, out of Debian's own packages: the C and C++ runtime, CA certificates.
// Nothing of this system is changed: apt gets its lists and its architecture in a folder of its own.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parts } from './app.mjs';

const packages = ['libc6', 'libgcc-s1', 'libstdc++6', 'ca-certificates'];
/** Shared libraries and the loader, not the plug-ins and tools that come with them. */
const wanted = /^(usr\/)?lib(64)?\/([^/]+\/)?(ld-linux-[^/]+|lib(c|m|dl|rt|pthread|resolv|nss_dns|nss_files|gcc_s|stdc\+\+)\.so\.[^/]+)$|^usr\/share\/doc\/[^/]+\/copyright$/;

function download(arch, folder) {
  const state = join(folder, 'apt');
  for (const part of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(state, part), { recursive: true });
  writeFileSync(join(state, 'status'), '');
  writeFileSync(join(state, 'sources.list'), `deb http://deb.debian.org/debian ${parts.debian} main
deb http://deb.debian.org/debian-security ${parts.debian}-security main
`);
  const options = [
    ['APT::Architecture', arch],
    ['APT::Architectures', arch],
    ['APT::Sandbox::User', 'root'],
    ['Acquire::Languages', 'none'],
    ['Dir::State', state],
    ['Dir::State::lists', join(state, 'lists')],
    ['Dir::State::status', join(state, 'status')],
    ['Dir::Cache', join(state, 'cache')],
    ['Dir::Etc::sourcelist', join(state, 'sources.list')],
    ['Dir::Etc::sourceparts', '/dev/null'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const apt = (...args) => execFileSync('apt-get', [...options, '-qq', ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  apt('update');
  apt('download', ...packages);
}

/**
 * Writes them for an architecture into `to`, with the packages' records where scanners look for them
 * (var/lib/dpkg/status.d). Gives names and versions. Needs apt-get and dpkg-deb.
 */
export function writeDebian(arch, to) {
  const folder = mkdtempSync(join(tmpdir(), 'lanner-debian-'));
  try {
    download(arch, folder);
    return readdirSync(folder)
      .filter((file) => file.endsWith('.deb'))
      .sort()
      .map((file) => takePackage(join(folder, file), join(folder, 'files'), to));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function takePackage(deb, scratch, to) {
  const control = execFileSync('dpkg-deb', ['-f', deb], { encoding: 'utf8' });
  const field = (name) => new RegExp(`^${name}: (.*)$`, 'm').exec(control)[1];
  const name = field('Package');
  rmSync(scratch, { recursive: true, force: true });
  execFileSync('dpkg-deb', ['-x', deb, scratch]);
  const files = readdirSync(scratch, { recursive: true }).map(String).filter((file) => wanted.test(file));
  if (files.length > 0) {
    const packed = execFileSync('tar', ['-cf', '-', '-C', scratch, '--', ...files], { maxBuffer: 256 * 1024 * 1024 });
    execFileSync('tar', ['-xf', '-', '-C', to, '--no-same-owner'], { input: packed });
  }
  if (name === 'ca-certificates') writeCertificates(join(scratch, 'usr/share/ca-certificates'), to);
  const record = join(to, 'var/lib/dpkg/status.d', name);
  mkdirSync(dirname(record), { recursive: true });
  writeFileSync(record, control);
  return { name, version: field('Version') };
}

/** As update-ca-certificates would: for `ca_file` of a source or sink, and for tools. Node trusts its own list. */
function writeCertificates(folder, to) {
  const text = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.crt'))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8').replace(/\n*$/, '\n'))
    .join('');
  const file = join(to, 'etc/ssl/certs/ca-certificates.crt');
  mkdirSync(dirname(file), { recursive: true });
  if (!existsSync(file)) writeFileSync(file, text);
}
