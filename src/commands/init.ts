import { chmodSync, writeFileSync } from 'node:fs';
import { parseConfig } from '../config.ts';
import { LannerError, messageOf } from '../lib/errors.ts';
import { openService } from '../service/index.ts';
import { silentLog } from '../telemetry/log.ts';
import { version } from '../version.ts';
import { exitCodes } from './exit-codes.ts';
import { hostAt } from './host/host.ts';
import type { Advice } from './init/advice.ts';
import { type Plan, planFor } from './init/plan.ts';
import { renderConfig } from './init/render.ts';

export interface InitFlags {
  /** File to write; `-`: standard output. */
  out: string;
  force: boolean;
  root: string;
  json: boolean;
}

export interface InitDeps {
  env?: Readonly<Record<string, string | undefined>>;
  write?: (text: string) => void;
  /** Where the report goes when standard output holds the configuration. */
  report?: (text: string) => void;
}

/**
 * `lanner init`: looks at this host and writes a configuration that fits. 0 if events will come, 1 if something has to
 * be done first (which is printed; the configuration is written if a sensor was found). Throws LannerError
 * `file_exists`, `file_unwritable`.
 */
export function init(flags: InitFlags, deps: InitDeps = {}): number {
  const write = deps.write ?? ((text: string) => process.stdout.write(text));
  const toStdout = flags.out === '-' && !flags.json;
  const report = toStdout ? (deps.report ?? ((text: string) => process.stderr.write(text))) : write;
  const env = deps.env ?? process.env;
  const plan = planFor(hostAt(flags.root));
  const config = configFor(plan, env);
  if (config !== undefined && flags.out !== '-') save(flags.out, config, flags.force);
  if (config !== undefined && toStdout) write(config);
  const blocked = plan.advice.some(({ weight }) => weight === 'missing');
  if (flags.json) write(`${JSON.stringify(asJson(plan, config, flags), null, 2)}\n`);
  else report(textOf(plan, config === undefined ? undefined : flags.out));
  return blocked ? exitCodes.found.code : exitCodes.ok.code;
}

/** Checked as `lanner check` does before anybody sees it. */
function configFor(plan: Plan, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (plan.source === undefined) return undefined;
  const webhook = (env.LANNER_WEBHOOK_URL ?? '') !== '';
  const text = renderConfig({ ...plan, source: plan.source }, webhook);
  openService({ config: parseConfig(text, 'the configuration that was made', env), version, log: silentLog });
  return text;
}

function save(path: string, text: string, force: boolean): void {
  try {
    // The path of Falco's posts is a secret.
    writeFileSync(path, text, { mode: 0o600, flag: force ? 'w' : 'wx' });
    chmodSync(path, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new LannerError(
        'file_exists',
        `${path} exists`,
        'Name another with --out, or overwrite it with --force.',
      );
    throw new LannerError(
      'file_unwritable',
      `${path}: ${messageOf(error)}`,
      'Name another file with --out.',
      {
        cause: error,
      },
    );
  }
}

function asJson(plan: Plan, config: string | undefined, flags: InitFlags): object {
  const { tetragon, falco, runtimes, kubernetes, source, advice } = plan;
  return {
    found: { tetragon: tetragon ?? null, falco: falco ?? null, runtimes, kubernetes },
    source: source?.type ?? null,
    advice,
    written: config !== undefined && flags.out !== '-' ? flags.out : null,
    config: config ?? null,
  };
}

function textOf(plan: Plan, out: string | undefined): string {
  const { tetragon, falco, runtimes, source } = plan;
  const row = (name: string, text: string) => `  ${name.padEnd(9)} ${text}\n`;
  const found = (one: { version?: string; found: string[] } | undefined) =>
    one === undefined
      ? 'not found'
      : `${one.version === undefined ? '' : `${one.version}, `}${one.found.join(', ')}`;
  return [
    'Looked at this host:\n',
    row('Tetragon', found(tetragon)),
    row('Falco', found(falco)),
    row('runtimes', runtimes.map(({ socket }) => socket).join(', ') || 'none found'),
    ...(source === undefined || out === undefined
      ? ['Nothing was written.\n']
      : out === '-'
        ? []
        : [`Wrote ${out}: reads ${source.name} (${source.type}).\n`]),
    ...plan.advice.map(adviceText),
    ...(source === undefined || out === undefined || out === '-'
      ? []
      : [`Next: lanner doctor -c ${out}, then lanner run -c ${out}\n`]),
  ].join('');
}

function adviceText({ weight, text, lines }: Advice): string {
  const head = weight === 'missing' ? 'To do' : 'Better';
  return `${head}: ${text}${lines.length === 0 ? '' : ':'}\n${lines.map((line) => `    ${line}\n`).join('')}`;
}
