import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder that looks like the root of a host. */
export interface PlantedHost {
  root: string;
  file(path: string, text: string): void;
  /** A real unix socket that something listens at. */
  socket(path: string): Promise<void>;
  /** A process with this command line. */
  process(pid: number, args: string[]): void;
  /** A TCP port that something listens at, as /proc/net/tcp shows it. */
  listens(...ports: number[]): void;
  link(path: string, target: string): void;
  clean(): Promise<void>;
}

export function plantHost(): PlantedHost {
  const root = mkdtempSync(join(tmpdir(), 'ln-'));
  const servers: Server[] = [];
  const at = (path: string) => {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    return full;
  };
  return {
    root,
    file: (path, text) => writeFileSync(at(path), text),
    socket: (path) =>
      new Promise((resolve) => {
        const server = createServer();
        servers.push(server);
        server.listen(at(path), resolve);
      }),
    process: (pid, args) => writeFileSync(at(`/proc/${pid}/cmdline`), `${args.join('\0')}\0`),
    listens(...ports) {
      const rows = ports.map(
        (port, i) =>
          `   ${i}: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${9000 + i} 1`,
      );
      writeFileSync(at('/proc/net/tcp'), `  sl  local_address rem_address   st\n${rows.join('\n')}\n`);
    },
    link: (path, target) => symlinkSync(target, at(path)),
    async clean() {
      for (const server of servers) await new Promise((resolve) => server.close(resolve));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** What the stock falco.yaml of 0.43 says of what matters here. */
export const falco43 = `config_files: [/etc/falco/config.d]
rules_files: [/etc/falco/falco_rules.yaml, /etc/falco/falco_rules.local.yaml, /etc/falco/rules.d]
json_output: false
priority: debug
http_output: {enabled: false, url: ""}
grpc: {enabled: false, bind_address: "unix:///run/falco/falco.sock", threadiness: 0}
grpc_output: {enabled: false}
`;
/** The same of 0.44. */
export const falco44 = falco43.replace(/^grpc.*\n/gm, '');
