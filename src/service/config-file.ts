import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { type Config, loadConfig, readConfigFile } from '../config.ts';
import { LannerError } from '../lib/errors.ts';

/** A configuration's file, and what it was read from. */
export interface ConfigFile {
  readonly path: string;
  /** Reads and validates anew. Throws LannerError as `loadConfig`. */
  load(): Config;
  /**
   * The files that the last `load` read, or would have: the configuration, its exceptions, what sinks and HTTP
   * read when they are built. SHA-256 of the content; undefined for what could not be read.
   */
  files(): ReadonlyMap<string, string | undefined>;
}

/** Standard input (`-`) and pipes can be read once only: they are not among the files, and `load` refuses them then. */
export function openConfigFile(path: string): ConfigFile {
  let files = new Map<string, string | undefined>();
  let loads = 0;
  return {
    path,
    load() {
      if (loads > 0 && !isAgainReadable(path)) throw readOnce(path);
      loads += 1;
      const former = files;
      files = new Map();
      const read = (file: string) => {
        if (isAgainReadable(file)) files.set(file, undefined);
        const text = readConfigFile(file);
        if (files.has(file)) files.set(file, digestOf(text));
        return text;
      };
      try {
        const config = loadConfig(path, process.env, read);
        for (const file of besides(config)) files.set(file, contentOf(file));
        return config;
      } catch (error) {
        // What the file named when it was well may be what has to be mended.
        for (const file of former.keys()) if (!files.has(file)) files.set(file, contentOf(file));
        throw error;
      }
    },
    files: () => files,
  };
}

/** SHA-256 of a file's content; undefined if it cannot be read. */
export function contentOf(file: string): string | undefined {
  try {
    return digestOf(readConfigFile(file));
  } catch {
    return undefined;
  }
}

/** A file, or nothing where one may come back; no pipe, which would be empty or wait for its writer. */
function isAgainReadable(path: string): boolean {
  if (path === '-') return false;
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
  } catch {
    // Reading it says why.
    return true;
  }
}

function readOnce(path: string): LannerError {
  return new LannerError(
    'config_unreadable',
    `${path === '-' ? 'standard input' : path} cannot be read again`,
    'Start Lanner with a configuration in a file to change it while it runs.',
  );
}

/** One short name for the contents of all of them. */
export function hashOf(files: ReadonlyMap<string, string | undefined>): string {
  return digestOf([...files.values()].join('\n')).slice(0, 12);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Files of which parts are made when they are built, beside the configuration itself. */
function besides(config: Config): string[] {
  const templates = Object.values(config.sinks).map((sink) =>
    'template' in sink ? sink.template?.body_file : undefined,
  );
  return [...templates, config.http.token_file].filter((file) => file !== undefined);
}
