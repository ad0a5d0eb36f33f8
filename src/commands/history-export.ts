import { once } from 'node:events';
import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Config, loadConfig } from '../config.ts';
import { copyHistory } from '../deliver/store/copy.ts';
import { LannerError, messageOf } from '../lib/errors.ts';
import { stateDirectory } from '../service/places.ts';
import { exitCodes } from './exit-codes.ts';
import { keptTexts } from './history.ts';

export interface ExportFlags {
  config: string;
  out: string;
  json: boolean;
}

interface Exported {
  findings: number;
  misses: number;
}

/**
 * `lanner history export`: the whole history in one file, of a running Lanner too. JSON lines are what replay,
 * tune and score read; a SQLite file is what a Lanner with a fresh state directory goes on with, as `lanner.db`.
 * Never half written. Throws LannerError.
 */
export async function historyExport(flags: ExportFlags): Promise<number> {
  const config = loadConfig(flags.config);
  const { out } = flags;
  if (out === '-') {
    await exportLines(config, process.stdout);
    return exitCodes.ok.code;
  }
  const exported = out.endsWith('.db')
    ? copyHistory(stateDirectory(config), out)
    : await exportFile(config, out);
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ out, ...exported })}\n`
      : `${out}: ${exported.findings} findings, ${exported.misses} execs that did not fire\n`,
  );
  return exitCodes.ok.code;
}

async function exportFile(config: Config, out: string): Promise<Exported> {
  const part = `${out}.new`;
  const exported = { findings: 0, misses: 0 };
  const source = Readable.from(texts(config, exported));
  try {
    const file = createWriteStream(part, { mode: 0o600 });
    await (out.endsWith('.gz') ? pipeline(source, createGzip(), file) : pipeline(source, file));
    renameSync(part, out);
    return exported;
  } catch (error) {
    rmSync(part, { force: true });
    if (error instanceof LannerError) throw error;
    throw new LannerError(
      'store_unusable',
      `${out}: ${messageOf(error)}`,
      'Check the path and the room on disk.',
      { cause: error },
    );
  }
}

async function exportLines(config: Config, out: NodeJS.WriteStream): Promise<void> {
  for await (const text of texts(config, { findings: 0, misses: 0 }))
    if (!out.write(text)) await once(out, 'drain');
}

async function* texts(config: Config, count: Exported): AsyncGenerator<string> {
  for (const missed of [false, true])
    for await (const text of keptTexts(
      config,
      { missed },
      { newest: false, limit: Number.MAX_SAFE_INTEGER },
    )) {
      count[missed ? 'misses' : 'findings'] += 1;
      yield `${text}\n`;
    }
}
