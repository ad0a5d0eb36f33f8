import { type Config, loadConfig } from '../config.ts';
import { askControl } from '../http/control.ts';
import { LannerError } from '../lib/errors.ts';
import { rfc3339 } from '../lib/time.ts';
import type { Kept } from '../model/history.ts';
import { controlSocket, stateDirectory } from '../service/places.ts';
import { type ExceptionReport, type LiveUses, openExceptionsReport } from './exceptions-report.ts';
import { exitCodes } from './exit-codes.ts';
import { severityFlag } from './flags.ts';
import { keptTexts } from './history.ts';
import { type Paint, paintFor, printable } from './terminal.ts';

const HELP = 'See lanner exceptions list --help.';

export interface ExceptionsListFlags {
  config: string;
  severe: string;
  soonDays: string;
  strict: boolean;
  json: boolean;
}

/**
 * `lanner exceptions list`: what each exception did, from the history and from the running Lanner, and what is
 * to be mended. With `strict` it ends with 1 where one has expired or hides what it should not. Throws
 * LannerError `usage` for flags that make no sense.
 */
export async function exceptionsList(
  flags: ExceptionsListFlags,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const severe = severityFlag(flags.severe, HELP);
  const soon_days = daysOf(flags.soonDays);
  const config = loadConfig(flags.config);
  const live = await liveUses(config);
  const now = rfc3339(Math.floor(Date.now() / 1000), 0);
  const report = openExceptionsReport(config.exceptions, {
    now,
    severe,
    soon_days,
    ...(live !== undefined && { live }),
  });
  let findings = 0;
  // The history is read where there is one: what is not durable has none.
  if (config.durable && config.exceptions.length > 0)
    for await (const text of keptTexts(config, {}, { newest: false, limit: Number.MAX_SAFE_INTEGER })) {
      findings += 1;
      report.take(JSON.parse(text) as Kept);
    }
  const { watched_since, exceptions } = report.result();
  const known = {
    findings,
    running: live !== undefined,
    ...(watched_since !== undefined && { watched_since }),
  };
  write(
    flags.json
      ? `${JSON.stringify({ ...known, exceptions })}\n`
      : render(exceptions, known, paintFor(process.stdout, process.env)),
  );
  return flags.strict && exceptions.some(isWrong) ? exitCodes.found.code : exitCodes.ok.code;
}

const wrong = /^(expired|hides_)/;

function isWrong({ remarks }: ExceptionReport): boolean {
  return remarks.some(({ is }) => wrong.test(is));
}

async function liveUses(config: Config): Promise<LiveUses | undefined> {
  if (!config.durable) return undefined;
  const reply = await askControl(controlSocket(stateDirectory(config)), 'exceptions');
  return reply?.value as LiveUses | undefined;
}

function render(
  exceptions: readonly ExceptionReport[],
  known: { findings: number; running: boolean; watched_since?: string },
  paint: Paint,
): string {
  if (exceptions.length === 0) return 'the configuration has no exceptions\n';
  const since = known.watched_since === undefined ? '' : ` since ${known.watched_since.slice(0, 16)}Z`;
  const from = known.running ? 'the history and the running Lanner' : 'the history';
  return `${exceptions.map((one) => renderOne(one, paint)).join('')}\n${known.findings} findings${since}, from ${from}\n`;
}

function renderOne(
  { name, mode, owner, expires, hits, last, remarks }: ExceptionReport,
  paint: Paint,
): string {
  const facts = [
    mode,
    `${hits} ${hits === 1 ? 'hit' : 'hits'}`,
    ...(owner === undefined ? [] : [`owner ${owner}`]),
    expires === undefined ? 'no expiry' : `expires ${expires}`,
    ...(last === undefined ? [] : [`last ${last.time.slice(0, 16)}Z ${last.id}`]),
  ];
  const lines = remarks.map(({ is, text, sample }) => {
    const shown = printable(
      `${is.replaceAll('_', ' ')}: ${text}${sample === undefined ? '' : ` (${sample})`}`,
      400,
    );
    return `  ${paint(wrong.test(is) ? 'red' : 'yellow', shown)}\n`;
  });
  return `${paint('bold', name)}  ${printable(facts.join(', '), 400)}\n${lines.join('')}`;
}

function daysOf(text: string): number {
  const days = Number(text);
  if (!Number.isFinite(days) || days < 0 || text.trim() === '')
    throw usage(`--soon-days ${text}: a number of days`);
  return days;
}

function usage(message: string): LannerError {
  return new LannerError('usage', message, HELP);
}
