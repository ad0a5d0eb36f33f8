import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '../fixtures.ts';
import { endProcess } from './system.ts';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'grpc-agent');

/** A server of grpc-go, as Tetragon's agent is one; see grpc-agent/main.go for what it can be told. */
export interface GoAgent {
  /** `host:port` or `unix:///path`. */
  address: string;
  /** What it told, one object a line: `connected`, `GetEvents`, `ended` … */
  told: { event: string; [field: string]: unknown }[];
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
}

/** Builds the server once (some seconds; Go's cache makes it quick again); why it cannot be built, or its path. */
export function buildGoAgent(): { program: string } | { missing: string } {
  // The first of PATH: a distribution's own Go may be too old for the module.
  if (spawnSync('go', ['version']).status !== 0) return { missing: 'Go is not installed' };
  const cache = join(tmpdir(), `lanner-grpc-agent-${process.geteuid?.() ?? 0}`);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const program = join(cache, 'grpc-agent');
  const newest = Math.max(
    ...['main.go', 'go.mod', 'go.sum'].map((file) => statSync(join(folder, file)).mtimeMs),
  );
  if (existsSync(program) && statSync(program).mtimeMs > newest) return { program };
  try {
    execFileSync('go', ['build', '-o', program, '.'], { cwd: folder, stdio: 'pipe', timeout: 110_000 });
    return { program };
  } catch (error) {
    return { missing: `it could not be built: ${String((error as { stderr?: Buffer }).stderr ?? error)}` };
  }
}

/** Starts it; `at` as its option -listen. */
export async function startGoAgent(program: string, at: string, options: string[] = []): Promise<GoAgent> {
  const child: ChildProcess = spawn(program, ['-listen', at, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const told: GoAgent['told'] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => told.push(JSON.parse(line)));
  await until(() => told.length > 0, 'the agent');
  return {
    address: at.startsWith('unix:') ? `unix://${at.slice(5)}` : String(told[0]!.address),
    told,
    kill: () => endProcess(child, 'SIGKILL'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}
