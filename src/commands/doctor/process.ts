import { type Check, error, ok, skipped, warn } from './check.ts';

/** Node.js below this is not supported (package.json). */
const least = [20, 19] as const;
/** Sockets, the spool, one connection for each delivery under way. */
const fewFiles = 1024;

export const nodeVersion: Check = {
  id: 'node_version',
  run() {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    const tooOld = major < least[0] || (major === least[0] && minor < least[1]);
    return [
      tooOld
        ? error('node', `Node.js ${process.versions.node}`, `Install ${least.join('.')} or later.`)
        : ok('node', `Node.js ${process.versions.node}, ${process.platform} ${process.arch}`),
    ];
  },
};

export const user: Check = {
  id: 'user',
  run({ own }) {
    const [uid, gid] = [process.getuid?.(), process.getgid?.()];
    if (uid === undefined) return [skipped('user', 'this system has no user ids')];
    const groups = process.getgroups?.().join(',') ?? '';
    const capabilities = /^CapEff:\s*(\w+)/m.exec(own.read('/proc/self/status') ?? '')?.[1];
    const text = `uid ${uid}, gid ${gid}, groups ${groups}${capabilities === undefined ? '' : `, capabilities ${capabilities}`}`;
    return [ok('user', `${text}; the service may run as another: run the doctor as that one`)];
  },
};

export const openFiles: Check = {
  id: 'open_files',
  run({ own }) {
    const limit = /^Max open files\s+(\S+)/m.exec(own.read('/proc/self/limits') ?? '')?.[1];
    if (limit === undefined) return [skipped('limits', 'the limit of open files cannot be read')];
    if (limit === 'unlimited' || Number(limit) >= fewFiles) return [ok('limits', `open files: ${limit}`)];
    return [
      warn('limits', `open files: ${limit}`, `Raise it to ${fewFiles} or more (LimitNOFILE=, ulimit -n).`),
    ];
  },
};
