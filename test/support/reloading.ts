import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openConfigFile } from '../../src/service/config-file.ts';
import { openService, type Service } from '../../src/service/index.ts';
import type { Log, LogFields } from '../../src/telemetry/log.ts';

export interface Line {
  level: string;
  message: string;
  fields: LogFields;
}

/** A running service on a configuration file of its own, as `lanner run` has it. */
export interface Reloading {
  folder: string;
  file: string;
  /** URL of its HTTP server. */
  http: string;
  service: Service;
  log: Line[];
  /** Lines with this message. */
  said(message: string): LogFields[];
  /** Replaces the configuration, as an editor that writes by rename. */
  write(text: string): void;
  metric(name: string): Promise<number | undefined>;
  stop(): Promise<void>;
}

export const taken = 'the configuration was taken over';
export const same = 'the configuration was read again and is the one in force';
export const refused = 'the configuration was not taken over: the one before stays in force';

/** The parts of a configuration that every test has; looks at its files every 50 ms. */
export function configText(folder: string, text: string): string {
  return `version: 1
state_dir: ${folder}/state
http: {listen: "127.0.0.1:0"}
enrich: {enabled: false}
reload: {look_secs: 0.05, settle_secs: 0.1, gone_secs: 0.5}
${text}`;
}

export async function startReloading(text: string, others: Record<string, string> = {}): Promise<Reloading> {
  const folder = mkdtempSync(join(tmpdir(), 'lanner-'));
  const file = join(folder, 'lanner.yaml');
  writeFileSync(file, configText(folder, text));
  for (const [name, content] of Object.entries(others)) writeFileSync(join(folder, name), content);
  const log: Line[] = [];
  const service = openFrom(file, log);
  const { http = '' } = await service.start();
  return {
    http,
    folder,
    file,
    service,
    log,
    said: (message) => log.filter((line) => line.message === message).map(({ fields }) => fields),
    write(next) {
      writeFileSync(`${file}.new`, configText(folder, next));
      renameSync(`${file}.new`, file);
    },
    async metric(name) {
      const metric = await service.metrics.registry.getSingleMetric(name)?.get();
      return metric?.values[0]?.value;
    },
    async stop() {
      await service.stop(1000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function openFrom(path: string, lines: Line[]): Service {
  const file = openConfigFile(path);
  const log = Object.fromEntries(
    (['error', 'warn', 'info', 'debug'] as const).map((level) => [
      level,
      (message: string, fields: LogFields = {}) => void lines.push({ level, message, fields }),
    ]),
  ) as unknown as Log;
  return openService({ config: file.load(), file, version: 'test', log });
}

let revision = 0;

/**
 * Writes a volume of a ConfigMap as the kubelet does: the files in a folder with the time as its name, `..data` a link
 * to it that is replaced by a rename of `..data_tmp`, links through `..data` for each file, the old folder removed.
 */
export function writeConfigMap(folder: string, files: Record<string, string>): void {
  revision += 1;
  const now = `..2026_11_23_02_40_${String(revision).padStart(2, '0')}.${100000000 + revision}`;
  const old = readdirSync(folder).filter((name) => /^\.\.\d/.test(name));
  mkdirSync(join(folder, now));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, now, name), content);
  symlinkSync(now, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  for (const name of Object.keys(files))
    if (!readdirSync(folder).includes(name)) symlinkSync(join('..data', name), join(folder, name));
  for (const name of old) rmSync(join(folder, name), { recursive: true });
}
