import { createHash } from 'node:crypto';
import { type Config, loadConfig, readConfigFile } from '../config.ts';

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

/** Standard input (`-`) has no files and cannot be read again. */
export function openConfigFile(path: string): ConfigFile {
  let files = new Map<string, string | undefined>();
  return {
    path,
    load() {
      const former = files;
      files = new Map();
      const read = (file: string) => {
        files.set(file, undefined);
        const text = readConfigFile(file);
        files.set(file, digestOf(text));
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
      } finally {
        files.delete('-');
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
