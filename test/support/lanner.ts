import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../../dist/main.js');

/** A running `lanner …`, built by `npm run build`. */
export interface Run {
  child: ChildProcess;
  out(): string;
  err(): string;
  /** Fulfilled with the exit code, null after a kill. */
  code: Promise<number | null>;
  /** A field of the first log line with this message. */
  logged(message: string, key: string): string;
}

/** A folder for one test, and whatever the test started: all gone after `clean`. */
export interface Bench {
  folder: string;
  lanner(args: string[], input?: string | Buffer): Run;
  /** Writes a configuration; state and HTTP are the test's own. */
  config(text: string): string;
  /** Called by `clean`, last first. */
  later(stop: () => unknown): void;
  clean(): Promise<void>;
}

export function openBench(): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'lanner-'));
  const stops: (() => unknown)[] = [];
  return {
    folder,
    lanner(args, input) {
      const run = start(args, input);
      stops.push(() => {
        run.child.kill('SIGKILL');
        return run.code;
      });
      return run;
    },
    config(text) {
      const path = join(folder, 'lanner.yaml');
      writeFileSync(
        path,
        `version: 1\nstate_dir: ${folder}/state\nhttp: {listen: "127.0.0.1:0"}\nenrich: {enabled: false}\n${text}`,
      );
      return path;
    },
    later: (stop) => void stops.push(stop),
    async clean() {
      for (const stop of stops.reverse()) await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function start(args: string[], input?: string | Buffer): Run {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  // A command that fails at once may have closed its input already.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return {
    child,
    out: () => out,
    err: () => err,
    code: new Promise((resolve) => child.on('close', resolve)),
    logged(message, key) {
      const line = err.split('\n').find((one) => one.includes(`"message":"${message}"`));
      return String((JSON.parse(line ?? '{}') as Record<string, unknown>)[key]);
    },
  };
}

/** Body of a GET. */
export function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** Status of a POST of JSON. */
export function post(url: string, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sent = request(url, { method: 'POST', headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
