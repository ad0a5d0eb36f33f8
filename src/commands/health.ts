import { loadConfig } from '../config.ts';
import type { HttpConfig } from '../http/config.ts';
import type { Readiness } from '../http/readiness.ts';
import { LannerError, messageOf } from '../lib/errors.ts';
import { ask, type Target, targetOf } from './ask.ts';
import { exitCodes } from './exit-codes.ts';

export interface HealthFlags {
  config?: string;
  url: string;
  /** Seconds. */
  timeout: string;
  json?: boolean;
}

/**
 * `lanner health`: whether a running Lanner can take events. 0 if it can, degraded or not; 1 if it cannot or
 * does not answer. Throws LannerError `usage`, and for a configuration that cannot be read.
 */
export async function health(
  flags: HealthFlags,
  write: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const timeoutMs = Number(flags.timeout) * 1000;
  if (!(timeoutMs > 0)) throw new LannerError('usage', '--timeout must be above 0', 'Give seconds.');
  const target = flags.config === undefined ? byUrl(flags.url) : byConfig(loadConfig(flags.config).http);
  try {
    const { body, status } = await ask(target, '/readyz', timeoutMs);
    const readiness = readinessFrom(body, status);
    write(flags.json === true ? `${JSON.stringify(readiness)}\n` : textOf(readiness));
    return readiness.ready ? exitCodes.ok.code : exitCodes.found.code;
  } catch (error) {
    const reason = `no answer from ${target.url.origin}: ${messageOf(error)}`;
    write(
      flags.json === true
        ? `${JSON.stringify({ ready: false, status: 'no_answer', unready: [reason], degraded: [] })}\n`
        : `${reason}\n`,
    );
    return exitCodes.found.code;
  }
}

function byUrl(text: string): Target {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new LannerError('usage', '--url is no http or https address', 'Give http://host:port.');
  return { url: new URL(text) };
}

function byConfig(http: HttpConfig): Target {
  if (!http.enabled)
    throw new LannerError(
      'usage',
      'this configuration has `http.enabled: false`',
      'There is nothing to ask.',
    );
  return targetOf(http);
}

function readinessFrom(body: string, status: number): Readiness {
  let read: Partial<Readiness> | undefined;
  try {
    read = JSON.parse(body) as Partial<Readiness>;
  } catch {}
  if (typeof read?.ready !== 'boolean' || typeof read.status !== 'string')
    throw new Error(`HTTP ${status}, which is no answer of Lanner`);
  return {
    ready: read.ready,
    status: read.status,
    unready: read.unready ?? [],
    degraded: read.degraded ?? [],
  };
}

function textOf({ status, unready, degraded }: Readiness): string {
  const reasons = [...new Set([...unready, ...degraded])];
  return `${status}${reasons.map((reason) => `\n  ${reason}`).join('')}\n`;
}
