import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Check, Checkup, Result } from '../../src/commands/doctor/check.ts';
import { hostAt } from '../../src/commands/host/host.ts';
import { parseConfig } from '../../src/config.ts';
import { type PlantedHost, plantHost } from './planted-host.ts';

/** A host and a folder for checks of the doctor, gone after `clean`. */
export interface CheckupBench {
  host: PlantedHost;
  folder: string;
  /** Called by `clean`, last first. */
  later(stop: () => unknown): void;
  /** What a check finds by this configuration: `status about: text | mend`. */
  look(check: Check, yaml: string, more?: Partial<Checkup>): Promise<string[]>;
  clean(): Promise<void>;
}

export function openCheckup(): CheckupBench {
  const host = plantHost();
  const folder = mkdtempSync(join(tmpdir(), 'lanner-'));
  const stops: (() => unknown)[] = [host.clean, () => rmSync(folder, { recursive: true, force: true })];
  return {
    host,
    folder,
    later: (stop) => void stops.push(stop),
    async look(check, yaml, more = {}) {
      const state = yaml.includes('state_dir') ? '' : `state_dir: ${folder}/state\n`;
      const text = `version: 1\nhttp: {listen: "127.0.0.1:1"}\n${state}${yaml}\n`;
      const found = await check.run({
        config: parseConfig(text, 'test', {}),
        file: 'test',
        host: hostAt(host.root),
        own: hostAt(host.root),
        env: {},
        timeoutMs: 15_000,
        now: Date.now,
        running: undefined,
        runCanary: async () => {},
        clocks: [],
        ...more,
      });
      return found.map(show);
    },
    async clean() {
      for (const stop of stops.reverse()) await stop();
    },
  };
}

function show({ status, about, text, mend }: Result): string {
  return `${status} ${about}: ${text}${mend === undefined ? '' : ` | ${mend}`}`;
}
