import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';
import { holdYoungGeneration, withFlagsOfStart } from './young-generation.ts';

interface Part {
  exports: unknown;
}

type Body = (
  require: (id: string) => unknown,
  module: Part,
  exports: unknown,
  moduleUrl: (path: string) => string,
) => void;

/** Long enough for the functions that a start uses to be compiled: they go into the cache with the rest. */
const settleMs = 2000;

/** After the parts of a start are loaded. */
const startedMs = 1000;

/**
 * Loads a part of the bundle (dist/bundle, made by .ci/bundle.mjs) and what it needs, with V8's compiled code where
 * there is some from this version of V8: that halves the CPU of a start. What is missing or does not fit is compiled
 * from the source and kept for the next time, if the folder is ours to write. A cache is only ever read from beside
 * the code it belongs to: whoever may write there may change the code itself.
 */
export function start(folder: string, entry: string): void {
  const parts = new Map<string, Part>();
  const cache = openCodeCache(join(folder, `cache-${process.versions.v8}-${process.arch}`), folder);
  const outside = createRequire(join(folder, entry));
  // As if each module of the bundle still stood in its file under dist/.
  const moduleUrl = (path: string) => pathToFileURL(join(folder, '..', path)).href;

  function load(name: string): unknown {
    const known = parts.get(name);
    if (known !== undefined) return known.exports;
    const part: Part = { exports: {} };
    parts.set(name, part);
    const run = cache.compile(name, join(folder, name)).runInThisContext() as Body;
    run((id) => (id.startsWith('./') ? load(id.slice(2)) : outside(id)), part, part.exports, moduleUrl);
    return part.exports;
  }
  load(entry);
  // What has not grown by then is large enough.
  setTimeout(holdYoungGeneration, startedMs).unref();
}

function openCodeCache(place: string, folder: string) {
  const fresh = new Map<string, Script>();

  function keep(): void {
    if (fresh.size === 0) return;
    try {
      mkdirSync(place, { recursive: true });
      for (const [name, script] of fresh)
        write(
          join(place, name),
          withFlagsOfStart(() => script.createCachedData()),
        );
    } catch {
      // A full disk, a folder that became read-only: the next start compiles again.
    }
    fresh.clear();
  }

  return {
    compile(name: string, filename: string): Script {
      const source = readFileSync(filename, 'latin1');
      const cachedData = read(join(place, name));
      const script = withFlagsOfStart(
        () => new Script(source, { filename, ...(cachedData !== undefined && { cachedData }) }),
      );
      if (cachedData !== undefined && script.cachedDataRejected === false) return script;
      if (fresh.size === 0 && isOurs(folder)) {
        setTimeout(keep, settleMs).unref();
        process.once('exit', keep);
      }
      fresh.set(name, script);
      return script;
    },
  };
}

/** V8 looks at version and flags, not at the bytes: a file that a power loss cut short must not reach it. */
function read(path: string): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    const code = bytes.subarray(4);
    return bytes.readUInt32LE(0) === crc32(code) ? code : undefined;
  } catch {
    return undefined;
  }
}

function write(path: string, code: Buffer): void {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(crc32(code));
  const draft = `${path}.${process.pid}`;
  const file = openSync(draft, 'w', 0o644);
  try {
    writeSync(file, head);
    writeSync(file, code);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}

/** Files of root in another user's folder would be in that user's way. */
function isOurs(folder: string): boolean {
  try {
    return statSync(folder).uid === process.geteuid?.();
  } catch {
    return false;
  }
}
